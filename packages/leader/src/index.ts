export { createLeader, type Leader, type LeaderOptions } from './leader.js';
export type { LeaderWriter } from './leader-writer.js';
export type { AllocateOptions, NeedleStore, StoreChange } from './needles/needle-store.js';
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
