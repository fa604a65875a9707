import {
  type Crc32c,
  FormatError,
  idxEntrySizeBytes,
  parseSuperBlock,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { detectOffsetWidth, type IdxFile, IndexError, openIdx, type RandomAccess } from '@holdfast/index';
import { type PoolFiles, StoreError } from '@holdfast/store';
import { StepFrames } from '../step-frames.js';

const PIECE_BYTES = 1024 * 1024;
/** Of the two widths the one in which no offset wraps. */
const OWN_WIDTH_BYTES = 5;
/** About four million records: a volume with more of them, and without an index, is worth what they are. */
const WALKED_INDEX_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What the files' index says that they have; without one, what a walk over the records finds, up to the first place where
 * there is none. `undefined` where nothing can be told: a pool is never an error.
 */
export async function openPoolIndex(
  files: PoolFiles,
  crc32c: Crc32c,
  signal: AbortSignal,
): Promise<IdxFile | undefined> {
  try {
    return files.idx === undefined ? await walked(files.dat, crc32c, signal) : await opened(files, files.idx);
  } catch (error) {
    if (isUnusable(error)) return undefined;
    throw error;
  }
}

/** Whether an error says no more than that these files cannot be read, or make no volume. */
export function isUnusable(error: unknown): boolean {
  return error instanceof StoreError || error instanceof IndexError || error instanceof FormatError;
}

async function opened({ dat, offsetWidthBytes }: PoolFiles, idx: RandomAccess): Promise<IdxFile> {
  const width = offsetWidthBytes ?? (await detectOffsetWidth({ idx, dat })).offsetWidthBytes;
  const sizeBytes = await idx.sizeBytes();
  return await openIdx(idx, width, { sizeBytes: sizeBytes - (sizeBytes % idxEntrySizeBytes(width)) });
}

async function walked(dat: RandomAccess, crc32c: Crc32c, signal: AbortSignal): Promise<IdxFile> {
  const { version } = parseSuperBlock(await dat.readAt(0, SUPER_BLOCK_SIZE_BYTES));
  const sizeBytes = await dat.sizeBytes();
  const frames = new StepFrames(version, SUPER_BLOCK_SIZE_BYTES, OWN_WIDTH_BYTES, crc32c);
  const goesOn = () => frames.trouble === undefined && frames.entries.length < WALKED_INDEX_BYTES_MAX;
  for (let at = SUPER_BLOCK_SIZE_BYTES; at < sizeBytes && goesOn(); at += PIECE_BYTES) {
    signal.throwIfAborted();
    frames.push(await dat.readAt(at, Math.min(PIECE_BYTES, sizeBytes - at)));
  }
  const { entries } = frames;
  const source: RandomAccess = {
    sizeBytes: async () => entries.length,
    readAt: async (offset, lengthBytes) => entries.subarray(offset, offset + lengthBytes),
  };
  return await openIdx(source, OWN_WIDTH_BYTES);
}
