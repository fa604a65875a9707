import { NEEDLE_HEADER_SIZE_BYTES, recordSizeOfEntry, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { openIdx } from '@holdfast/index';
import type { BuildTarget, UnfinishedGeneration } from '@holdfast/store';
import { fromBase64 } from '../base64.js';
import { holds, PROOF_BYTES, type Sighting, type Witness, witnessesOf } from '../fence.js';
import type { VolumeRun } from '../run.js';

/**
 * The unfinished generation, if the leader still is what it is built as: super block, anchor and the last bytes before
 * the break read again equal.
 */
export async function findResumable(
  run: VolumeRun,
  sighting: Sighting,
): Promise<UnfinishedGeneration | undefined> {
  const { unfinished } = run.home;
  const { status } = sighting;
  if (unfinished === undefined || sighting.anchor === undefined) return undefined;
  const { target } = unfinished;
  const isSameGeneration =
    target.leaderCopy.server === run.leaderCopy.server &&
    target.lineageId === (status.lineageId ?? null) &&
    target.revision === status.revision &&
    target.version === status.version &&
    target.offsetWidthBytes === status.offsetWidthBytes &&
    target.datSizeBytes <= status.datSizeBytes &&
    target.idxSizeBytes <= status.idxSizeBytes;
  const isAllowed = run.policy.usePool || !target.usesPool;
  const hasBegun = unfinished.isIndexComplete && unfinished.builtBytes > SUPER_BLOCK_SIZE_BYTES;
  if (!isSameGeneration || !isAllowed || !hasBegun || target.anchorBase64 === '') return undefined;
  const isProved = await holds(run, [anchorOf(target), ...(await builtWitnesses(unfinished, run.signal))]);
  return isProved ? unfinished : undefined;
}

/** The leader's last bytes before the tail that the build aims at. */
export function anchorOf(target: BuildTarget): Witness {
  const { anchorOffset: offset, anchorBase64 } = target;
  return { what: 'the anchor of the build', offset, bytes: fromBase64(anchorBase64) };
}

/**
 * What was built, as far as it can only be the leader's own: not the data of the last record, which may be the pool's and
 * be right where the leader's have rotted.
 */
export async function builtWitnesses(
  unfinished: UnfinishedGeneration,
  signal: AbortSignal,
): Promise<readonly Witness[]> {
  const { builtBytes } = unfinished;
  if (builtBytes === 0) return [];
  const last = await lastRecordBefore(unfinished, signal);
  const bodyEnd = last.offset + NEEDLE_HEADER_SIZE_BYTES + last.sizeBytes;
  // A build never ends inside data of the pool's: a record that is cut was fetched.
  const start = Math.max(builtBytes - PROOF_BYTES, bodyEnd < builtBytes ? bodyEnd : last.offset);
  const ranges = [
    { offset: 0, lengthBytes: SUPER_BLOCK_SIZE_BYTES },
    { offset: start, lengthBytes: builtBytes - start },
  ];
  if (last.offset < start) ranges.push({ offset: last.offset, lengthBytes: NEEDLE_HEADER_SIZE_BYTES });
  return await witnessesOf(unfinished.dat, ranges, 'what was built');
}

async function lastRecordBefore(
  { target, idx, builtBytes }: UnfinishedGeneration,
  signal: AbortSignal,
): Promise<{ readonly offset: number; readonly sizeBytes: number }> {
  let last = { offset: 0, sizeBytes: 0 };
  for await (const entries of (await openIdx(idx, target.offsetWidthBytes)).walk({ signal }))
    for (let i = 0; i < entries.count; i++) {
      const offset = entries.offsetAt(i);
      if (offset > last.offset && offset < builtBytes)
        last = { offset, sizeBytes: recordSizeOfEntry(entries.sizeBytesAt(i)) };
    }
  return last;
}
