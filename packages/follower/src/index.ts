export { type ComparedCopy, compareWithLeader, type Divergence } from './compare-with-leader.js';
export { FollowError, type FollowErrorCode } from './errors.js';
export { type FollowedVolume, type FollowVolumesOptions, followVolumes } from './follow-volumes.js';
export { defaultSyncPolicy, type SyncPolicy } from './policy.js';
export type { SyncOutcome, SyncProgress, SyncReport } from './report.js';
export type { SyncContext } from './sync-known-volume.js';
export { type SyncVolumeOptions, syncVolume } from './sync-volume.js';
export { DEFAULT_VOLUMES_AT_ONCE, type SyncVolumesOptions, syncVolumes } from './sync-volumes.js';
export { chooseLocation, type KnownVolume, type VolumeLocation, type VolumeSource } from './volume-source.js';
