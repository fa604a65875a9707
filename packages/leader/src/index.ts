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
