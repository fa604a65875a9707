import { formatVolumeName } from '@holdfast/format';
import { type IdxFile, IndexError, openIdx, type RandomAccess } from '@holdfast/index';
import {
  type GenerationReader,
  isStoreError,
  openGenerationReader,
  type StoreEnvironment,
} from '@holdfast/store';
import { createPoolReader } from '../build/pool-reader.js';
import { FollowError } from '../errors.js';
import type { KeptVolume } from '../restore/generations.js';
import type { IndexPlace } from './change-cursor.js';

const PIECE_BYTES = 1024 * 1024;

/** Which index file of a generation, and up to where. */
export type IndexLengths = Pick<IndexPlace, 'indexSerial' | 'idxSizeBytes'>;

/** An index up to a place, and the records that it speaks of. */
export interface OpenIndex {
  readonly reader: GenerationReader;
  readonly idx: IdxFile;
  readonly dat: RandomAccess;
  close(): Promise<void>;
}

/** Opens the generation and the index file of a place. Error `not-covered` where they are not kept any more. */
export async function openIndexAt(
  env: StoreEnvironment,
  volume: KeptVolume,
  place: Omit<IndexPlace, 'idxCrc32c'>,
): Promise<OpenIndex> {
  let reader: GenerationReader | undefined;
  try {
    reader = await openGenerationReader(env, { ...volume, generation: place.generation });
    return await openIndexOf(reader, place);
  } catch (error) {
    await reader?.close();
    const isGone = isStoreError(error, 'not-found') || error instanceof IndexError;
    throw isGone ? notCovered(volume, place, error) : error;
  }
}

/** Fails with `not-covered` unless the index up to the place is what it was when the place was told. */
export async function assertPlace(
  env: StoreEnvironment,
  volume: KeptVolume,
  place: IndexPlace,
  signal: AbortSignal,
): Promise<void> {
  const index = await openIndexAt(env, volume, place);
  try {
    const found = await placeOf(env, index.reader, place, signal);
    if (found.idxCrc32c !== place.idxCrc32c) throw notCovered(volume, place);
  } finally {
    await index.close();
  }
}

/** The place at the end of so much of an index file. */
export async function placeOf(
  { crc32c }: StoreEnvironment,
  reader: GenerationReader,
  { indexSerial, idxSizeBytes }: IndexLengths,
  signal: AbortSignal,
): Promise<IndexPlace> {
  const files = await filesOf(reader, { indexSerial, idxSizeBytes });
  try {
    let idxCrc32c = 0;
    for (let at = 0; at < idxSizeBytes; at += PIECE_BYTES) {
      signal.throwIfAborted();
      idxCrc32c = crc32c(await files.idx.readAt(at, Math.min(PIECE_BYTES, idxSizeBytes - at)), idxCrc32c);
    }
    return { generation: reader.id, indexSerial, idxSizeBytes, idxCrc32c };
  } finally {
    await files.close();
  }
}

/** Takes over the reader. */
async function openIndexOf(reader: GenerationReader, lengths: IndexLengths): Promise<OpenIndex> {
  const files = await filesOf(reader, lengths);
  const close = async () => {
    await files.close();
    await reader.close();
  };
  try {
    const { offsetWidthBytes } = reader.position;
    const idx = await openIdx(files.idx, offsetWidthBytes, { sizeBytes: lengths.idxSizeBytes });
    return { reader, idx, dat: readAhead(reader.dat), close };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Records come mostly in the order of the file: not each is a read of its own. */
function readAhead(source: RandomAccess): RandomAccess {
  const near = createPoolReader(source);
  return {
    sizeBytes: () => source.sizeBytes(),
    readAt: async (offset, lengthBytes) =>
      (await near.read(offset, lengthBytes))?.slice() ?? (await source.readAt(offset, lengthBytes)),
  };
}

function filesOf(reader: GenerationReader, { indexSerial, idxSizeBytes }: IndexLengths) {
  return reader.openState({ datSizeBytes: reader.position.datSizeBytes, idxSizeBytes, indexSerial });
}

function notCovered(
  { volume }: KeptVolume,
  { generation, indexSerial, idxSizeBytes }: Omit<IndexPlace, 'idxCrc32c'>,
  cause?: unknown,
): FollowError {
  const what = `generation ${generation} up to ${idxSizeBytes} bytes of its index ${indexSerial}`;
  const message = `volume ${formatVolumeName(volume)}: the changes since ${what} cannot be told: it is not kept any more, or another one by now; begin anew without a cursor`;
  return new FollowError('not-covered', message, { volumeId: volume.volumeId, cause });
}
