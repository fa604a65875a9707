import type { Timers } from '@holdfast/format';
import type { LeaderVolume } from '@holdfast/protocol';
import type { LeaderCopyId, StoreEnvironment, VolumeHome } from '@holdfast/store';
import type { BuildTally } from './build/build-tally.js';
import type { LinkMeter } from './link-meter.js';
import type { SyncPolicy } from './policy.js';
import type { SyncProgress } from './report.js';
import type { StepSize } from './step-size.js';

/** What every routine of one attempt works with: one session's volume, the home, the ports. */
export interface VolumeRun {
  readonly volume: LeaderVolume;
  readonly link: LinkMeter;
  /** Kept over the attempts of a run, like the tally. */
  readonly stepSize: StepSize;
  readonly tally: BuildTally;
  readonly leaderCopy: LeaderCopyId;
  readonly home: VolumeHome;
  readonly directory: string;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly policy: SyncPolicy;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SyncProgress) => void;
}

/** Tells how far the run is. */
export function reportProgress(
  run: VolumeRun,
  phase: SyncProgress['phase'],
  doneBytes: number,
  totalBytes: number,
): void {
  run.onProgress({
    volumeId: run.leaderCopy.volumeId,
    collection: run.leaderCopy.collection,
    phase,
    doneBytes,
    totalBytes,
    bytesReceived: run.volume.bytesReceived,
  });
}
