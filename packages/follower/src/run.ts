import type { Timers } from '@holdfast/format';
import type { LeaderVolume } from '@holdfast/protocol';
import type { LeaderCopyId, StoreEnvironment, VolumeHome } from '@holdfast/store';
import type { BuildTally } from './build/build-tally.js';
import type { LinkMeter } from './link-meter.js';
import type { SyncPolicy } from './policy.js';
import type { SyncProgress } from './report.js';
import type { StepSize } from './step-size.js';

/** What asks a leader and decides, and writes nothing: one session's volume, and the ports. */
export interface LeaderView {
  readonly volume: LeaderVolume;
  readonly link: LinkMeter;
  readonly leaderCopy: LeaderCopyId;
  readonly env: StoreEnvironment;
  readonly policy: SyncPolicy;
  readonly signal: AbortSignal;
}

/** What every routine of one attempt works with. */
export interface VolumeRun extends LeaderView {
  /** Kept over the attempts of a run, like the tally. */
  readonly stepSize: StepSize;
  readonly tally: BuildTally;
  readonly home: VolumeHome;
  readonly directory: string;
  readonly timers: Timers;
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
