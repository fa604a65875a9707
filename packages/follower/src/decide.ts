import { choose } from './choose.js';
import type { Sighting } from './fence.js';
import { type Held, isIndexEqual, isOverlapEqual } from './prove.js';
import type { LeaderView } from './run.js';
import { StepFrames } from './step-frames.js';

/** What a round is to do: `choose`, with the proofs. */
export interface Decision {
  readonly kind: 'idle' | 'append' | 'adopt-index' | 'build';
  readonly reason: string;
}

/**
 * Decides by the figures and by what of the leader's bytes has to be read for the proofs (docs/follow-protocol.md). Nothing
 * is fenced yet.
 */
export async function decide(run: LeaderView, held: Held | undefined, sighting: Sighting): Promise<Decision> {
  const choice = choose(held?.position, run.leaderCopy, sighting.status);
  if (held === undefined) return decided('build', 'nothing is held');
  if (choice.kind === 'build') return choice;
  if (sighting.anchor === undefined) return await decideBesideCompaction(run, held, sighting, choice.kind);
  if (!(await isOverlapEqual(run, held, sighting)))
    return decided('build', "what is held does not end in the leader's bytes");
  if (choice.kind === 'append' || !(await isTailStillTorn(run, held, sighting)))
    return await decideAppend(run, held, sighting);
  if (choice.kind === 'adopt-index') return decided('adopt-index', 'the index sizes differ');
  const isProved = !run.policy.proveIndex || (await isIndexEqual(run, held, sighting.status.idxSizeBytes));
  if (!isProved) return decided('adopt-index', 'the indexes differ');
  return decided('idle', "at the leader's tail");
}

/** A compaction stays open: ranges could bring the server down, whole files and the index can be read. */
async function decideBesideCompaction(
  run: LeaderView,
  held: Held,
  { status }: Sighting,
  choice: 'idle' | 'append' | 'adopt-index',
): Promise<Decision> {
  if (choice === 'idle' && (await isIndexEqual(run, held, status.idxSizeBytes)))
    return decided('idle', 'a compaction is open: proved by revision, sizes and the whole index');
  return decided('build', 'a compaction stays open on the leader: whole files');
}

async function decideAppend(run: LeaderView, held: Held, { status }: Sighting): Promise<Decision> {
  const { version, datSizeBytes, idxSizeBytes } = held.position;
  // Version 1 and 2 have no stamps: there the index must vouch for the overlap.
  if (version !== 3 && !(await isIndexEqual(run, held, idxSizeBytes)))
    return decided('build', "the leader's index does not begin with ours");
  return decided('append', `${status.datSizeBytes - datSizeBytes} bytes behind the overlap`);
}

/**
 * Whether the bytes between ours and the leader's tail, which made no whole record when they were first seen, make none
 * now: they can have been cut and others written in their place.
 */
async function isTailStillTorn(run: LeaderView, held: Held, sighting: Sighting): Promise<boolean> {
  const { datSizeBytes: offset, offsetWidthBytes } = held.position;
  if (sighting.tail <= offset) return true;
  const frames = new StepFrames(sighting.status.version, offset, offsetWidthBytes, run.env.crc32c);
  const ranges = [{ offset, lengthBytes: sighting.tail - offset }];
  for await (const chunk of run.volume.readRanges(ranges, run.signal)) frames.push(chunk);
  return frames.boundaryOffset === offset;
}

function decided(kind: Decision['kind'], reason: string): Decision {
  return { kind, reason };
}
