import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzip as gunzipWithCallback } from 'node:zlib';
import type { NeedleStream } from '@holdfast/store';

const gunzip = promisify(gunzipWithCallback);

/** Data up to this length are held whole. */
const SMALL_BYTES = 4 << 20;
/** The most that they may unpack to in memory. */
const SMALL_UNPACKED_BYTES = 16 << 20;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** The content of a file that was read once and found good: it can be written with its length in front. */
export interface NeedleContent {
  readonly sizeBytes: number;
  /** Why it is as stored though it is marked as compressed; `undefined` where it is not, or was unpacked. */
  readonly packedBecause: string | undefined;
  pieces(): AsyncIterable<Uint8Array>;
}

/**
 * Reads the data, compares them with their CRC and, unless `isRaw`, unpacks what is marked as compressed; what cannot be
 * unpacked stays as it is. Error `corrupt` of the needle.
 */
export async function readNeedleContent(
  needle: NeedleStream,
  isRaw: boolean,
  signal: AbortSignal,
): Promise<NeedleContent> {
  const stored = needle.dataSizeBytes <= SMALL_BYTES ? await readWhole(needle, signal) : undefined;
  const asStored = (packedBecause?: string): NeedleContent => ({
    sizeBytes: needle.dataSizeBytes,
    packedBecause,
    pieces: () => (stored === undefined ? needle.data(signal) : oneOf(stored)),
  });
  if (isRaw || !needle.isCompressed) {
    if (stored === undefined) await lengthOf(needle.data(signal));
    return asStored();
  }
  if (!(await isGzip(needle, stored))) {
    if (stored === undefined) await lengthOf(needle.data(signal));
    return asStored('it is compressed by something other than gzip');
  }
  const source = () => (stored === undefined ? needle.data(signal) : oneOf(stored));
  try {
    const small = stored === undefined ? undefined : await unpackSmall(stored);
    if (small !== undefined) {
      return { sizeBytes: small.length, packedBecause: undefined, pieces: () => oneOf(small) };
    }
    const sizeBytes = await lengthOf(unpacked(source()));
    return { sizeBytes, packedBecause: undefined, pieces: () => unpacked(source()) };
  } catch (error) {
    if (!isZlibError(error)) throw error;
    if (stored === undefined) await lengthOf(needle.data(signal));
    return asStored(`its gzip does not unpack (${error.code})`);
  }
}

async function readWhole(needle: NeedleStream, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of needle.data(signal)) pieces.push(piece);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

async function isGzip(needle: NeedleStream, stored: Uint8Array | undefined): Promise<boolean> {
  let start = stored;
  if (start === undefined) for await (start of needle.data()) break;
  return GZIP_MAGIC.every((byte, i) => start?.[i] === byte);
}

/** `undefined` where it would be too much at once. */
async function unpackSmall(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await gunzip(bytes, { maxOutputLength: SMALL_UNPACKED_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

async function* unpacked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const unzip = createGunzip();
  const fed = pipeline(Readable.from(source), unzip);
  // Whoever reads meets the failure.
  fed.catch(() => {});
  yield* unzip;
  await fed;
}

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}

async function lengthOf(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let lengthBytes = 0;
  for await (const piece of pieces) lengthBytes += piece.length;
  return lengthBytes;
}

function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code?.startsWith('Z_') === true;
}
