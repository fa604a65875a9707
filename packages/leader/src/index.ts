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
  WriteOptions,
  WrittenNeedle,
} from './needles/stored-volume.js';
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
