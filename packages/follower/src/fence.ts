import { SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { type ByteRange, LeaderError, type LeaderStatus } from '@holdfast/protocol';
import type { GenerationPosition } from '@holdfast/store';
import { stepVoided } from './errors.js';
import { equalBytes, readPieces } from './leader-read.js';
import type { LeaderView } from './run.js';

/** How much of a record or tail is read again to recognise it: with stamp, cookie and CRC it names one write. */
export const PROOF_BYTES = 4096;

/** A piece of the leader's `.dat` with what it held when it was first seen. */
export interface Witness {
  readonly what: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One status of the leader with its anchor: what all steps that follow it are fenced against. */
export interface Sighting {
  readonly status: LeaderStatus;
  /** The readable tail: the status' T, less 8 where the last bytes before a rounded-up T are not there. */
  readonly tail: number;
  /** `undefined`, as the anchor, where ranges could not be asked for. */
  readonly superBlock: Uint8Array | undefined;
  /** The last 4 KiB before the tail. */
  readonly anchor: Witness | undefined;
}

/** Status, super block and anchor of the leader as it is now. Asks for ranges. */
export async function sight(run: LeaderView): Promise<Sighting> {
  const status = await run.volume.status(run.signal);
  try {
    return await sightTail(run, status, status.datSizeBytes);
  } catch (error) {
    const isRoundedUp = error instanceof LeaderError && error.code === 'past-end';
    if (!isRoundedUp || status.datSizeBytes <= SUPER_BLOCK_SIZE_BYTES) throw error;
    return await sightTail(run, status, status.datSizeBytes - 8);
  }
}

/** The status alone: while a compaction is open, ranges could bring the server down. */
export async function sightWithoutRanges(run: LeaderView): Promise<Sighting> {
  const status = await run.volume.status(run.signal);
  return { status, tail: status.datSizeBytes, superBlock: undefined, anchor: undefined };
}

async function sightTail(run: LeaderView, status: LeaderStatus, tail: number): Promise<Sighting> {
  const offset = Math.max(0, tail - PROOF_BYTES);
  const anchorRange = { offset, lengthBytes: tail - offset };
  const superBlockRange = { offset: 0, lengthBytes: SUPER_BLOCK_SIZE_BYTES };
  const isFrontInAnchor = offset === 0 && tail >= SUPER_BLOCK_SIZE_BYTES;
  const pieces = await readPieces(run, isFrontInAnchor ? [anchorRange] : [anchorRange, superBlockRange]);
  const [anchor, front = anchor] = pieces as [Uint8Array, Uint8Array?];
  const superBlock = front.subarray(0, SUPER_BLOCK_SIZE_BYTES);
  return { status, tail, superBlock, anchor: { what: 'the anchor', offset, bytes: anchor } };
}

/**
 * The fence after a step: the leader still is what `sighting` saw, and every witness reads as before. Throws
 * `step-voided` where not. Returns the new status.
 */
export async function fence(
  run: LeaderView,
  sighting: Sighting,
  witnesses: readonly Witness[],
): Promise<LeaderStatus> {
  const now = await run.volume.status(run.signal);
  assertSameGeneration(run, sighting.status, now);
  if (sighting.anchor !== undefined && sighting.superBlock !== undefined) {
    const all: Witness[] = [
      { what: 'the super block', offset: 0, bytes: sighting.superBlock },
      ...witnesses,
      sighting.anchor,
    ];
    await confirm(run, all);
  }
  return now;
}

/** Throws `step-voided` unless `now` can be a later status of the generation that `before` saw. */
export function assertSameGeneration(run: LeaderView, before: LeaderStatus, now: LeaderStatus): void {
  const id = run.leaderCopy.volumeId;
  if (now.revision !== before.revision)
    throw stepVoided(id, `revision ${now.revision}, was ${before.revision}`);
  if (now.version !== before.version) throw stepVoided(id, `version ${now.version}, was ${before.version}`);
  if (now.offsetWidthBytes !== before.offsetWidthBytes) throw stepVoided(id, 'another offset width');
  if (now.lineageId !== before.lineageId) throw stepVoided(id, 'another lineage');
  if (now.datSizeBytes < before.datSizeBytes)
    throw stepVoided(id, `a tail of ${now.datSizeBytes}, was ${before.datSizeBytes}`);
  if (now.idxSizeBytes < before.idxSizeBytes)
    throw stepVoided(id, `an index of ${now.idxSizeBytes}, was ${before.idxSizeBytes}`);
}

async function confirm(run: LeaderView, witnesses: readonly Witness[]): Promise<void> {
  const distinct = withoutRepeats(witnesses);
  const ranges = distinct.map((witness) => ({ offset: witness.offset, lengthBytes: witness.bytes.length }));
  const pieces = await readPieces(run, ranges);
  distinct.forEach((witness, i) => {
    if (!equalBytes(witness.bytes, pieces[i] as Uint8Array))
      throw stepVoided(run.leaderCopy.volumeId, `${witness.what} reads differently`, witness.offset);
  });
}

/** Drops witnesses that lie wholly inside another: small steps have the same bytes as first, last and anchor. */
function withoutRepeats(witnesses: readonly Witness[]): readonly Witness[] {
  const end = (witness: Witness) => witness.offset + witness.bytes.length;
  return witnesses.filter(
    (inner, i) =>
      !witnesses.some((outer, j) => {
        const covers = outer.offset <= inner.offset && end(outer) >= end(inner);
        const isSame = outer.offset === inner.offset && end(outer) === end(inner);
        return i !== j && covers && (!isSame || j < i);
      }),
  );
}

/** The ranges of a generation's overlap proof: the head of its last record with data, and its last 4 KiB. */
export function overlapRanges(position: GenerationPosition): readonly ByteRange[] {
  const end = position.datSizeBytes;
  const tailStart = Math.max(0, end - PROOF_BYTES);
  if (position.proofOffset >= tailStart) return [{ offset: tailStart, lengthBytes: end - tailStart }];
  const headEnd = Math.min(position.proofOffset + PROOF_BYTES, tailStart);
  return [
    { offset: position.proofOffset, lengthBytes: headEnd - position.proofOffset },
    { offset: tailStart, lengthBytes: end - tailStart },
  ];
}

/** What `dat` holds at the ranges, as witnesses. */
export async function witnessesOf(
  dat: RandomAccess,
  ranges: readonly ByteRange[],
  what: string,
): Promise<readonly Witness[]> {
  return await Promise.all(
    ranges.map(async ({ offset, lengthBytes }) => ({
      what,
      offset,
      bytes: await dat.readAt(offset, lengthBytes),
    })),
  );
}

/** Whether the witnesses read the same on the leader now. */
export async function holds(run: LeaderView, witnesses: readonly Witness[]): Promise<boolean> {
  const ranges = witnesses.map((witness) => ({ offset: witness.offset, lengthBytes: witness.bytes.length }));
  const pieces = await readPieces(run, ranges);
  return witnesses.every((witness, i) => equalBytes(witness.bytes, pieces[i] as Uint8Array));
}
