import type { FollowedVolume } from './standing.js';
import type { SyncContext } from './sync-known-volume.js';
import type { VanishedVolume } from './vanished.js';
import type { VolumeSource } from './volume-source.js';

export interface FollowVolumesOptions extends SyncContext {
  readonly source: VolumeSource;
  readonly intervalMs: number;
  /** How often each volume is proved, its whole index included, though no sweep saw a change. */
  readonly proveEveryMs: number;
  /** How long a volume has to be gone from the cluster before its copy is removed. Default: copies are kept for ever. */
  readonly pruneAfterMs?: number | undefined;
  /** Aborting it ends the loop after the commits in hand. */
  readonly signal: AbortSignal;
  readonly onVolume: (followed: FollowedVolume) => void | Promise<void>;
  /** A sweep saw the leader move on, or its moves caught up with. */
  readonly onLag?: (followed: FollowedVolume) => void;
  /** A volume that is held is not listed, or something else has become of it since it was told last. */
  readonly onVanished?: (vanished: VanishedVolume) => void | Promise<void>;
  /** A listing or a sweep that failed; it is tried again at the next interval. */
  readonly onProblem: (error: unknown) => void;
}
