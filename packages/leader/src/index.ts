export { createDataApi, type DataApi } from './http/data-api.js';
export {
  type DataApiOptions,
  defaultHttpLimits,
  type Guard,
  type Gzip,
  type HttpEnvironment,
  type HttpLimits,
  type HttpPeer,
  type Md5Stream,
  type PeerLocation,
  type Peers,
  type ReadableVolume,
  type ReadableVolumes,
  type WritableVolume,
  type WritableVolumes,
} from './http/data-api-ports.js';
export {
  createLeader,
  type Leader,
  type LeaderOptions,
  type LeaderSettings,
  type LeaderVolumes,
} from './leader.js';
export type { AllocateOptions, NeedleStore, StoreChange } from './needles/needle-store.js';
export { type OpenNeedleStoreOptions, openNeedleStore } from './needles/open-needle-store.js';
export type {
  CompactionOptions,
  NeedleDataPieces,
  NeedleUpload,
  OpenNeedle,
  OpenNeedleOptions,
  PinnedVolume,
  StoredVolume,
  StoredVolumeStatus,
  WriteNeedleOptions,
  WriteOptions,
  WrittenNeedle,
} from './needles/stored-volume.js';
export { createVolumeCopies, type VolumeCopies, type VolumeCopiesOptions } from './needles/volume-copies.js';
export { type VolumeExpiry, volumeExpiry } from './needles/volume-expiry.js';
export type { CommonNames } from './security/common-names.js';
export { createDataGuard, type DataGuardOptions, type GuardedRequest } from './security/data-guard.js';
export { guardService, type RpcGuardOptions } from './security/guarded-service.js';
export {
  signToken,
  type TokenAlgorithm,
  type TokenClaims,
  type TokenKeys,
  tokenKeys,
} from './security/token.js';
export { createWhiteList, type WhiteList } from './security/white-list.js';
export { defaultVolumeServerLimits, type VolumeServerLimits } from './volume-server/limits.js';
export { openServerState, type ServerState } from './volume-server/server-state.js';
export type { MasterNotices, VolumeServerServiceOptions } from './volume-server/volume-server.js';
export { createVolumeServerService } from './volume-server/volume-server-service.js';
