import { FormatError, IDX_WRAP_BYTES, idxEntrySizeBytes, NeedleFramer } from '@holdfast/format';
import { type IdxEntries, openIdx } from '@holdfast/index';
import type { GenerationReader, GenerationState, HistoryLine, StoreEnvironment } from '@holdfast/store';
import { stateOf, type VolumeState } from './volume-state.js';

const PIECE_BYTES = 1024 * 1024;

/**
 * Goes on from a commit through what later ones appended, up to the last record whose stamp is not behind the instant.
 * What one commit appended is gone into only if its records can be told from bytes alone: stamps that rise strictly
 * from the one before, CRCs that are right, and an index entry for each, in their order. Where that ends, so does this:
 * at a committed state.
 */
export async function refineState(
  env: StoreEnvironment,
  reader: GenerationReader,
  committed: VolumeState,
  following: readonly HistoryLine[],
  asOfNs: bigint,
  signal: AbortSignal,
): Promise<VolumeState> {
  if (reader.position.version !== 3) return committed;
  let state = committed;
  for (const line of following) {
    const next = stateOf(reader, line);
    if (next.indexSerial !== state.indexSerial) return state;
    if (next.datSizeBytes === state.datSizeBytes && next.idxSizeBytes === state.idxSizeBytes) continue;
    const files = await reader.openState(next);
    try {
      const cut = await cutAt(env, reader, files, state, next, asOfNs, signal);
      if (cut === undefined) return state;
      state = cut;
      if (cut !== next) return state;
    } finally {
      await files.close();
    }
  }
  return state;
}

/**
 * The state between two commits at the instant: `before` or `next` themselves where none or all of the records come
 * before it, `undefined` where the records between them cannot be told so.
 */
async function cutAt(
  env: StoreEnvironment,
  reader: GenerationReader,
  files: GenerationState,
  before: VolumeState,
  next: VolumeState,
  asOfNs: bigint,
  signal: AbortSignal,
): Promise<VolumeState | undefined> {
  const { offsetWidthBytes } = reader.position;
  const entrySize = idxEntrySizeBytes(offsetWidthBytes);
  const index = await openIdx(files.idx, offsetWidthBytes);
  const entries = await index.readEntries(before.idxSizeBytes / entrySize, index.entryCount);
  const { datSizeBytes: start, idxSizeBytes } = before;
  const framer = new NeedleFramer({ version: 3, startOffset: start, collect: 'headers', crc32c: env.crc32c });
  let stampNs = BigInt(before.lastAppendAtNs);
  let cut = before;
  let count = 0;
  try {
    for (let at = start; at < next.datSizeBytes; at += PIECE_BYTES) {
      signal.throwIfAborted();
      const piece = await files.dat.readAt(at, Math.min(PIECE_BYTES, next.datSizeBytes - at));
      for (const { isCrcValid, appendAtNs, offset, lengthBytes, header } of framer.push(piece)) {
        const isNamed = count < entries.count && isEntryOf(entries, count, header.needleId, offset);
        if (!isCrcValid || appendAtNs <= stampNs || !isNamed) return undefined;
        stampNs = appendAtNs;
        count += 1;
        if (appendAtNs > asOfNs) continue;
        cut = {
          ...before,
          isBetweenCommits: true,
          datSizeBytes: offset + lengthBytes,
          idxSizeBytes: idxSizeBytes + count * entrySize,
          lastAppendAtNs: appendAtNs.toString(),
        };
      }
    }
    framer.end();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  if (count !== entries.count) return undefined;
  return cut.datSizeBytes === next.datSizeBytes ? next : cut;
}

function isEntryOf(entries: IdxEntries, i: number, needleId: bigint, offset: number): boolean {
  // Offsets of four bytes wrap.
  const isThere = entries.offsetAt(i) % IDX_WRAP_BYTES === offset % IDX_WRAP_BYTES;
  return isThere && entries.needleIdAt(i) === needleId;
}
