import { formatVolumeName } from '@holdfast/format';
import { openAbsenceLedger } from '@holdfast/store';
import type { SyncReport } from '../report.js';
import { createReach } from './reach.js';
import { type SyncContext, syncKnownVolume } from './sync-known-volume.js';
import { createTurns } from './turns.js';
import type { VolumeListing } from './volume-source.js';

/** How often stalled and long turns are looked for. */
const REVIEW_MS = 1_000;

export interface SyncVolumesOptions extends SyncContext {
  readonly signal: AbortSignal;
  /** Called as each volume ends. */
  readonly onReport?: (report: SyncReport) => void | Promise<void>;
}

/** One run for each volume that is listed; the reports in the order of the list. A volume that fails stops no other. */
export async function syncVolumes(
  listing: VolumeListing,
  options: SyncVolumesOptions,
): Promise<readonly SyncReport[]> {
  const { env, timers, directory, signal, onReport } = options;
  const { volumes, servers } = listing;
  const absences = await openAbsenceLedger(env, directory);
  const reach = createReach(options);
  const reports: SyncReport[] = [];
  const ended = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const turns = createTurns({
    clock: env.clock,
    limits: options.turnLimits,
    onFailure(error) {
      failure ??= { error };
      turns.dropWaiting();
    },
  });
  for (const [i, known] of volumes.entries()) {
    turns.request({
      key: formatVolumeName(known.volume),
      server: known.locations[0]?.leader.address ?? '',
      isLong: false,
      async run({ activity }) {
        const context = { ...options, absences, servers, reach: reach.by(activity) };
        const report = await syncKnownVolume(known, context, signal);
        reports[i] = report;
        await onReport?.(report);
      },
    });
  }
  turns.review();
  const reviewed = reviewUntilAborted();
  await turns.idle();
  ended.abort();
  await reviewed;
  await reach.close();
  if (failure !== undefined) throw failure.error;
  return reports;

  async function reviewUntilAborted(): Promise<void> {
    while (!ended.signal.aborted) {
      await timers.sleep(REVIEW_MS, ended.signal).catch(() => undefined);
      if (!ended.signal.aborted) turns.review();
    }
  }
}
