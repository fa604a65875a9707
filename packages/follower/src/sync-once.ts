import { LeaderError } from '@holdfast/protocol';
import type { HeldGeneration } from '@holdfast/store';
import { append } from './append.js';
import { build } from './build/build.js';
import { choose } from './choose.js';
import { countLive } from './count-live.js';
import { damageLeft } from './damage-left.js';
import { assertSameGeneration, fence, type Sighting, sight } from './fence.js';
import { fencedIndex } from './fenced-index.js';
import { isIndexEqual, isOverlapEqual } from './prove.js';
import type { VolumeRun } from './run.js';
import { StepFrames } from './step-frames.js';

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
  const choice = choose(held?.position, run.leaderCopy, sighting.status);
  if (held === undefined || choice.kind === 'build')
    return await buildAs(run, sighting, choice.kind === 'build' ? choice.reason : 'nothing is held');
  if (!areRangesSafe) return await syncBesideCompaction(run, held, sighting, choice.kind);
  if (!(await isOverlapEqual(run, held, sighting)))
    return await buildAs(run, sighting, "what is held does not end in the leader's bytes");
  if (choice.kind === 'append' || !(await isTailStillTorn(run, held, sighting)))
    return await appendAs(run, held, sighting);
  if (choice.kind === 'adopt-index') return await adoptIndex(run, held, sighting, 'the index sizes differ');
  const isProved = !run.policy.proveIndex || (await isIndexEqual(run, held, sighting.status.idxSizeBytes));
  if (!isProved) return await adoptIndex(run, held, sighting, 'the indexes differ');
  await fence(run, sighting, []);
  const leaderTailBytes = sighting.status.datSizeBytes - held.position.datSizeBytes;
  if (leaderTailBytes !== held.position.leaderTailBytes)
    await held.notePosition({ ...held.position, leaderTailBytes });
  return { kind: 'idle', reason: "at the leader's tail" };
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

async function sightWithoutRanges(run: VolumeRun): Promise<Sighting> {
  const status = await run.volume.status(run.signal);
  return { status, tail: status.datSizeBytes, superBlock: undefined, anchor: undefined };
}

/** A compaction stays open: ranges could bring the server down, whole files and the index can be read. */
async function syncBesideCompaction(
  run: VolumeRun,
  held: HeldGeneration,
  sighting: Sighting,
  choice: 'idle' | 'append' | 'adopt-index',
): Promise<SyncStep> {
  if (choice === 'idle' && (await isIndexEqual(run, held, sighting.status.idxSizeBytes))) {
    assertSameGeneration(run, sighting.status, await run.volume.status(run.signal));
    return { kind: 'idle', reason: 'a compaction is open: proved by revision, sizes and the whole index' };
  }
  return await buildAs(run, sighting, 'a compaction stays open on the leader: whole files');
}

async function buildAs(run: VolumeRun, sighting: Sighting, reason: string): Promise<SyncStep> {
  await build(run, sighting);
  return { kind: 'built', reason: `${reason}; ${run.tally.plan?.reason}` };
}

/**
 * Whether the bytes between ours and the leader's tail, which made no whole record when they were first seen, make none
 * now: they can have been cut and others written in their place.
 */
async function isTailStillTorn(run: VolumeRun, held: HeldGeneration, sighting: Sighting): Promise<boolean> {
  const { datSizeBytes: offset, offsetWidthBytes } = held.position;
  if (sighting.tail <= offset) return true;
  const frames = new StepFrames(sighting.status.version, offset, offsetWidthBytes, run.env.crc32c);
  const ranges = [{ offset, lengthBytes: sighting.tail - offset }];
  for await (const chunk of run.volume.readRanges(ranges, run.signal)) frames.push(chunk);
  return frames.boundaryOffset === offset;
}

async function appendAs(run: VolumeRun, held: HeldGeneration, sighting: Sighting): Promise<SyncStep> {
  const { idxSizeBytes, version } = held.position;
  // Version 1 and 2 have no stamps: there the index must vouch for the overlap.
  if (version !== 3 && !(await isIndexEqual(run, held, idxSizeBytes)))
    return await buildAs(run, sighting, "the leader's index does not begin with ours");
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
  await held.adoptIndex(content, { ...held.position, idxSizeBytes, leaderTailBytes });
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
