import type { VolumeName } from '@holdfast/format';
import type { BuildPlan } from './build/build-plan.js';

/** What a sync did: nothing, appended, built anew over an older generation, made a first copy, or not. */
export type SyncOutcome = 'idle' | 'appended' | 'rebased' | 'copied' | 'unsupported' | 'failed';

/** The result of one sync of one volume, as `backup --json` prints it. Sizes in bytes; stamps as decimal strings. */
export interface SyncReport {
  readonly id: number;
  readonly collection: string;
  /** Whose copy is held; empty where nothing is. */
  readonly server: string;
  readonly outcome: SyncOutcome;
  readonly revision: number;
  /** The committed offset: the copy's proved length. */
  readonly datSize: number;
  readonly lastAppendAtNs: string;
  /** Everything read from the leader for this volume, whether it was used or not. */
  readonly bytesReceived: number;
  /** Of the built generation: data that did not come from the leader. */
  readonly bytesReused: number;
  /** How it was built, and why so; `null` where nothing was. */
  readonly plan: BuildPlan | null;
  /** Bytes on the leader behind the last whole record. */
  readonly leaderTailBytes: number;
  readonly liveNeedles: number;
  /** Whether the loss guard holds a former state of this volume. */
  readonly lossGuard: boolean;
  /** Why this and not an append or nothing, for the log. */
  readonly reason: string;
  /** Done, proved, and nothing found damaged. */
  readonly ok: boolean;
  readonly code: string | null;
  readonly error: string | null;
}

/** Whether it proved that the copy is its leader's. */
export function isProved({ outcome }: SyncReport): boolean {
  return outcome !== 'failed' && outcome !== 'unsupported';
}

/** What is told while a sync runs, for progress bars. */
export interface SyncProgress {
  readonly volumeId: number;
  readonly collection: string;
  readonly phase: 'append' | 'build';
  /** The end of what is durable here, and where this run is going. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesReceived: number;
}

/** The report of a volume that could not be begun. */
export function failedReport(
  volume: VolumeName,
  error: { readonly code: string; readonly message: string },
): SyncReport {
  return {
    id: volume.volumeId,
    collection: volume.collection,
    server: '',
    outcome: 'failed',
    revision: 0,
    datSize: 0,
    lastAppendAtNs: '0',
    bytesReceived: 0,
    bytesReused: 0,
    plan: null,
    leaderTailBytes: 0,
    liveNeedles: 0,
    lossGuard: false,
    reason: '',
    ok: false,
    code: error.code,
    error: error.message,
  };
}
