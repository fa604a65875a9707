export type { BuildPlan } from './build/build-plan.js';
export type { NeedleEvent } from './changes/needle-change.js';
export { type NeedleChange, type ReadChangesOptions, readChanges } from './changes/read-changes.js';
export type { FollowVolumesOptions } from './cluster/follow-options.js';
export { followVolumes } from './cluster/follow-volumes.js';
export { type ForeseeOptions, foreseeVolumes, type SyncForecast } from './cluster/foresee-volumes.js';
export { createLeaderSource, type LeaderSourceOptions } from './cluster/leader-source.js';
export { createRateLimit, type RateLimit } from './cluster/rate-limit.js';
export type { FollowedVolume } from './cluster/standing.js';
export { type SyncContext, unnameableReport } from './cluster/sync-known-volume.js';
export { type SyncVolumesOptions, syncVolumes } from './cluster/sync-volumes.js';
export { defaultTurnLimits, type TurnLimits } from './cluster/turns.js';
export { createVanishWatch, type VanishedVolume, type VanishWatch } from './cluster/vanished.js';
export type { KnownVolume, VolumeListing, VolumeLocation, VolumeSource } from './cluster/volume-source.js';
export { type ComparedCopy, compareWithLeader, type Divergence } from './compare-with-leader.js';
export { FollowError, type FollowErrorCode } from './errors.js';
export { releaseHeld } from './loss-guard.js';
export { defaultSyncPolicy, type SyncPolicy } from './policy.js';
export { failedReport, type SyncOutcome, type SyncProgress, type SyncReport } from './report.js';
export type { DamagedNeedle } from './restore/check-restored.js';
export { type FindNeedleOptions, type FoundNeedle, findNeedle } from './restore/find-needle.js';
export type { KeptVolume } from './restore/generations.js';
export { listRestorable, type RestorableRange } from './restore/restorable.js';
export {
  type NeedleFile,
  type RestoredNeedle,
  type RestoreNeedleOptions,
  restoreNeedle,
} from './restore/restore-needle.js';
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
export { type SyncVolumeOptions, syncVolume } from './sync-volume.js';
