import type { OpenNeedle } from '../needles/stored-volume.js';
import { HttpRefusal } from './answers.js';
import { type Content, contentOfBytes, cutPieces, firstPiece } from './content.js';
import type { Gzip } from './data-api-ports.js';

/** What is unpacked at once. */
const UNPACKED_AT_ONCE_BYTES = 4 << 20;

/** A needle's data as stored. */
export function storedContent(needle: OpenNeedle): Content {
  const close = () => needle.close();
  if (needle.data !== undefined) return contentOfBytes(needle.data, close);
  return {
    sizeBytes: needle.dataSizeBytes,
    bytes: undefined,
    first: () => firstPiece(needle.read()),
    read: (range) => needle.read(range),
    close,
  };
}

/** Whether what is marked as compressed really begins as gzip does: it is taken as it comes (protocol.md §6). */
export async function isGzip(needle: OpenNeedle): Promise<boolean> {
  if (!needle.meta.isCompressed || needle.dataSizeBytes < 2) return false;
  const start = needle.data ?? (await firstPiece(needle.read()));
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** Its content unpacked, from data that are gzip. Error 500 where they do not unpack. */
export async function unpackedContent(needle: OpenNeedle, gzip: Gzip): Promise<Content> {
  const close = () => needle.close();
  const damaged = (cause: unknown) => new HttpRefusal(500, 'the stored gzip does not unpack', { cause });
  if (needle.data !== undefined) {
    const bytes = await gzip.unpack(needle.data, UNPACKED_AT_ONCE_BYTES).catch((cause) => {
      throw damaged(cause);
    });
    if (bytes !== undefined) return contentOfBytes(bytes, close);
  }
  const pieces = () => gzip.unpackPieces(needle.read());
  // Nothing that is stored tells the length for sure.
  let sizeBytes = 0;
  try {
    for await (const piece of pieces()) sizeBytes += piece.length;
  } catch (cause) {
    throw damaged(cause);
  }
  return {
    sizeBytes,
    bytes: undefined,
    first: () => firstPiece(pieces()),
    read: (range) => cutPieces(pieces(), range),
    close,
  };
}
