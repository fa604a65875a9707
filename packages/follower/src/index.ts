export { FollowError, type FollowErrorCode } from './errors.js';
export { defaultSyncPolicy, type SyncPolicy } from './policy.js';
export type { SyncOutcome, SyncProgress, SyncReport } from './report.js';
export { type SyncVolumeOptions, syncVolume } from './sync-volume.js';
