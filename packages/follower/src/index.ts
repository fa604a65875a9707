export { type ComparedCopy, compareWithLeader, type Divergence } from './compare-with-leader.js';
export { FollowError, type FollowErrorCode } from './errors.js';
export { type FollowedVolume, type FollowVolumesOptions, followVolumes } from './follow-volumes.js';
export { releaseHeld } from './loss-guard.js';
export { defaultSyncPolicy, type SyncPolicy } from './policy.js';
export type { SyncOutcome, SyncProgress, SyncReport } from './report.js';
export type { DamagedNeedle } from './restore/check-restored.js';
export { type FindNeedleOptions, type FoundNeedle, findNeedle } from './restore/find-needle.js';
export type { KeptVolume } from './restore/generations.js';
export { listRestorable, type RestorableRange } from './restore/restorable.js';
export {
  planRestore,
  type RestorableState,
  type RestoredVolume,
  type RestoreInstant,
  type RestoreVolumeOptions,
  restoreVolume,
} from './restore/restore-volume.js';
export type { RestoredFile } from './restore/restored-file.js';
export type { VolumeState } from './restore/volume-state.js';
export type { SyncContext } from './sync-known-volume.js';
export { type SyncVolumeOptions, syncVolume } from './sync-volume.js';
export { DEFAULT_VOLUMES_AT_ONCE, type SyncVolumesOptions, syncVolumes } from './sync-volumes.js';
export { chooseLocation, type KnownVolume, type VolumeLocation, type VolumeSource } from './volume-source.js';
