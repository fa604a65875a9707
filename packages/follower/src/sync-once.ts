import { LeaderError } from '@holdfast/protocol';
import type { HeldGeneration } from '@holdfast/store';
import { append } from './append.js';
import { build } from './build/build.js';
import { countLive, countOwed } from './count-live.js';
import { damageLeft } from './damage-left.js';
import { decide } from './decide.js';
import { fence, type Sighting, sight, sightWithoutRanges } from './fence.js';
import { fencedIndex } from './fenced-index.js';
import { isIndexEqual } from './prove.js';
import type { VolumeRun } from './run.js';

/** How often an open compaction is looked at while it is waited for. */
const COMPACTION_POLL_MS = 1000;

/** What one attempt did, or has found to be so. */
export interface SyncStep {
  readonly kind: 'idle' | 'appended' | 'built' | 'index-adopted';
  readonly reason: string;
}

/**
 * One round (docs/follow-protocol.md): status, choose, and one of idle, append, build. Throws where anything could not be
 * done or proved; nothing unproved is committed then.
 */
export async function syncOnce(run: VolumeRun): Promise<SyncStep> {
  const areRangesSafe = await waitForCompaction(run);
  const sighting = areRangesSafe ? await sight(run) : await sightWithoutRanges(run);
  const { held } = run.home;
  const { kind, reason } = await decide(run, held, sighting);
  if (held === undefined || kind === 'build') return await buildAs(run, sighting, reason);
  if (kind === 'append') return await appendAs(run, held, sighting);
  if (kind === 'adopt-index') return await adoptIndex(run, held, sighting, reason);
  await fence(run, sighting, []);
  const leaderTailBytes = sighting.status.datSizeBytes - held.position.datSizeBytes;
  if (leaderTailBytes !== held.position.leaderTailBytes)
    await held.notePosition({ ...held.position, leaderTailBytes });
  if (sighting.anchor === undefined || run.policy.proveIndex) await countOwed(run, held);
  return { kind: 'idle', reason };
}

/** Whether ranges may be asked for: at once, or after an open compaction has ended within the policy's wait. */
async function waitForCompaction(run: VolumeRun): Promise<boolean> {
  const { clock } = run.env;
  const until = clock.monotonicMs() + run.policy.vacuumWaitMs;
  while (await run.volume.compactionOpen(run.signal)) {
    if (clock.monotonicMs() >= until) return false;
    await run.timers.sleep(COMPACTION_POLL_MS, run.signal);
  }
  return true;
}

async function buildAs(run: VolumeRun, sighting: Sighting, reason: string): Promise<SyncStep> {
  await build(run, sighting);
  return { kind: 'built', reason: `${reason}; ${run.tally.plan?.reason}` };
}

async function appendAs(run: VolumeRun, held: HeldGeneration, sighting: Sighting): Promise<SyncStep> {
  const { sawSizeZero, appendedBytes } = await append(run, held, sighting);
  if (held.position.idxSizeBytes !== sighting.status.idxSizeBytes)
    return await adoptIndex(run, held, sighting, 'the index sizes differ after the append');
  // A leader whose index was written anew, and has grown since, can have one of the same length.
  if (run.policy.proveIndex && !(await isIndexEqual(run, held, held.position.idxSizeBytes)))
    return await adoptIndex(run, held, sighting, 'the indexes differ after the append');
  const isCountDue = sawSizeZero || run.policy.proveIndex || held.position.leaderDamage.length > 0;
  if (isCountDue) await countLive(run, held);
  return { kind: 'appended', reason: `${appendedBytes} bytes behind the overlap` };
}

/** The leader's `.idx` in the place of ours, over the same `.dat`. */
async function adoptIndex(
  run: VolumeRun,
  held: HeldGeneration,
  sighting: Sighting,
  reason: string,
): Promise<SyncStep> {
  const { idxSizeBytes, datSizeBytes } = sighting.status;
  const content = fencedIndex(run, sighting);
  const leaderTailBytes = datSizeBytes - held.position.datSizeBytes;
  const countedIdxSizeBytes = null;
  await held.adoptIndex(content, { ...held.position, idxSizeBytes, countedIdxSizeBytes, leaderTailBytes });
  const leaderDamage = await damageLeft(run, held);
  if (leaderDamage.length < held.position.leaderDamage.length)
    await held.notePosition({ ...held.position, leaderDamage });
  await countLive(run, held);
  return { kind: 'index-adopted', reason };
}

/** Whether an attempt that failed so may be made again at once. */
export function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof LeaderError)) return false;
  return ['unreachable', 'past-end', 'compaction-open', 'revision-changed', 'bad-answer'].includes(
    error.code,
  );
}
