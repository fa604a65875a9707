import type { Timers } from '@holdfast/format';
import { type LeaderClient, LeaderError } from '@holdfast/protocol';
import { StoreError } from '@holdfast/store';
import { createBuildTally } from '../build/build-tally.js';
import { FollowError } from '../errors.js';
import { followPushed } from '../follow-pushed.js';
import { LinkMeter } from '../link-meter.js';
import { isLossTooGreat } from '../loss-guard.js';
import type { SyncReport } from '../report.js';
import { createStepSize } from '../step-size.js';
import type { SyncContext, SyncedVolume } from './sync-known-volume.js';

export interface StayOptions extends SyncedVolume {
  readonly context: Pick<SyncContext, 'directory' | 'env' | 'timers' | 'policy' | 'onProgress'> & {
    readonly reach: (leader: LeaderClient) => LeaderClient;
  };
  /** Of the sync before it. */
  readonly report: SyncReport;
  readonly signal: AbortSignal;
  /** When a proof by a sync is due. */
  readonly forMs: number;
  /** Whether it may; asked when the leader is known to push. */
  readonly mayStay: () => boolean;
  /** Everything that the leader has told of is held. */
  readonly onReport: (report: SyncReport) => Promise<void>;
}

/** `no-push`: the leader does not, or it may not be stayed with. `broken`: something failed before anything came. */
export type StayEnd = 'no-push' | 'over' | 'broken';

/**
 * Stays with a leader that pushes, until the next proof is due or pushing fails: then a sync finds out what is the matter,
 * a compaction for one. Never throws but for an aborted signal.
 */
export async function stayWithLeader(options: StayOptions): Promise<StayEnd> {
  const { context, home, location, signal, report, mayStay } = options;
  const over = new AbortController();
  const onAbort = () => over.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let hasProved = false;
  try {
    const session = await context.reach(location.leader).openSession(signal);
    try {
      const volume = session.volume(report.id, report.collection);
      const { follow } = volume;
      const { held } = home;
      if (follow === undefined || held === undefined || !mayStay()) return 'no-push';
      endAfter(options.forMs, context.timers, over);
      let receivedBefore = volume.bytesReceived;
      const { onProgress = () => {} } = context;
      const run = {
        ...context,
        onProgress,
        volume,
        home,
        link: new LinkMeter(context.env.clock, volume.rangesAtOnce),
        stepSize: createStepSize(context.policy.firstStepBytes),
        tally: createBuildTally(),
        leaderCopy: held.position.leaderCopy,
        signal: over.signal,
      };
      await followPushed({
        run,
        held,
        follow: follow.bind(volume),
        async onProved(appendedBytes) {
          hasProved = true;
          const { datSizeBytes: datSize, lastAppendAtNs, liveNeedles } = held.position;
          const bytesReceived = volume.bytesReceived - receivedBefore;
          receivedBefore = volume.bytesReceived;
          await options.onReport({
            ...report,
            outcome: appendedBytes > 0 ? 'appended' : 'idle',
            ...{ datSize, lastAppendAtNs, liveNeedles, bytesReceived, bytesReused: 0, plan: null },
            lossGuard: isLossTooGreat(held.position, context.policy.maxLoss),
            reason: 'pushed by the leader',
          });
        },
      });
      return 'over';
    } finally {
      await session.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) return 'over';
    if (isCompaction(error) || (hasProved && isExpected(error))) return 'over';
    if (isExpected(error)) return 'broken';
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    over.abort();
  }
}

function isCompaction(error: unknown): boolean {
  return error instanceof LeaderError && error.code === 'revision-changed';
}

function isExpected(error: unknown): boolean {
  return error instanceof LeaderError || error instanceof FollowError || error instanceof StoreError;
}

/** No failure of its own: the timer ends with what it ends. */
function endAfter(delayMs: number, timers: Timers, over: AbortController): void {
  timers.sleep(delayMs, over.signal).then(
    () => over.abort(),
    () => {},
  );
}
