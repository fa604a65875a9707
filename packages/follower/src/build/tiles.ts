import type { Crc32c } from '@holdfast/format';
import { openIdx, proofByReading, type RecordProof, type Tiling, tileByIndex } from '@holdfast/index';
import type { UnfinishedGeneration } from '@holdfast/store';
import { TileCheck } from './tile-check.js';

const LOCAL_PIECE_BYTES = 1024 * 1024;

/**
 * The tiles of a build before its bytes are here: every claim counts, and where claims overlap or an offset may have
 * wrapped the check ends with suspects, which `tileHere` then decides.
 */
export async function tileAhead(unfinished: UnfinishedGeneration, signal: AbortSignal): Promise<Tiling> {
  return await tile(unfinished, signal, async () => true);
}

/** The tiles of a build whose bytes are all here: contradictions are decided by what is really there. */
export async function tileHere(unfinished: UnfinishedGeneration, signal: AbortSignal): Promise<Tiling> {
  return await tile(unfinished, signal, proofByReading(unfinished.dat));
}

async function tile(
  { target, idx }: UnfinishedGeneration,
  signal: AbortSignal,
  prove: RecordProof,
): Promise<Tiling> {
  const { version, datSizeBytes, offsetWidthBytes } = target;
  return await tileByIndex(await openIdx(idx, offsetWidthBytes), { version, datSizeBytes, prove, signal });
}

/** Passes [0, endOffset) of what is here through a check. */
export async function checkHere(
  unfinished: UnfinishedGeneration,
  tiling: Tiling,
  endOffset: number,
  crc32c: Crc32c,
): Promise<TileCheck> {
  const check = new TileCheck(tiling.tiles(), crc32c);
  while (check.offset < endOffset) {
    const lengthBytes = Math.min(LOCAL_PIECE_BYTES, endOffset - check.offset);
    check.push(await unfinished.dat.readAt(check.offset, lengthBytes));
  }
  return check;
}
