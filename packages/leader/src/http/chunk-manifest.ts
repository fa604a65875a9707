import type { OpenNeedle } from '../needles/stored-volume.js';
import { HttpRefusal } from './answers.js';
import type { ByteRange } from './byte-range.js';
import { type Content, collectPieces, firstPiece } from './content.js';
import type { Gzip } from './data-api-ports.js';
import { SNIFFED_BYTES } from './sniff-content-type.js';

/** A file in pieces that are needles of their own. */
export interface ChunkManifest {
  readonly name: string;
  readonly mime: string;
  readonly sizeBytes: number;
  /** In the order of their offsets, one right behind the other. */
  readonly chunks: readonly Chunk[];
}

export interface Chunk {
  /** As `3,01637037d6`. */
  readonly fid: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface ChunkReader {
  /** The bytes of a chunk's content. */
  read(fid: string, range: ByteRange): AsyncIterable<Uint8Array>;
}

/** The manifest that a needle holds. Error 500 where it is none, or its chunks do not follow each other. */
export async function readManifest(needle: OpenNeedle, gzip: Gzip, maxBytes: number): Promise<ChunkManifest> {
  const refuse = (reason: string, cause?: unknown) =>
    new HttpRefusal(500, `Load chunks manifest error: ${reason}`, { cause });
  const stored = needle.data ?? (await collectPieces(needle.read(), maxBytes));
  const bytes = needle.meta.isCompressed && stored !== undefined ? await unpack(stored) : stored;
  if (bytes === undefined) throw refuse(`more than ${maxBytes} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw refuse('it is no JSON', cause);
  }
  const fields = recordOf(parsed);
  const listed = fields.chunks ?? [];
  if (!Array.isArray(listed)) throw refuse('its chunks are no list');
  const chunks = listed.map(toChunk).sort((a, b) => a.offset - b.offset);
  let sizeBytes = 0;
  for (const { offset, sizeBytes: chunkBytes, fid } of chunks) {
    if (offset !== sizeBytes)
      throw refuse(`chunk ${fid} begins at ${offset}, the one before ends at ${sizeBytes}`);
    sizeBytes += chunkBytes;
  }
  return { name: stringOf(fields.name), mime: stringOf(fields.mime), sizeBytes, chunks };

  function unpack(packed: Uint8Array): Promise<Uint8Array | undefined> {
    return gzip.unpack(packed, maxBytes).catch((cause) => {
      throw refuse('its gzip does not unpack', cause);
    });
  }

  function toChunk(value: unknown): Chunk {
    const { fid, offset = 0, size } = recordOf(value);
    const isWhole = (number: unknown): number is number =>
      Number.isSafeInteger(number) && (number as number) >= 0;
    if (typeof fid !== 'string' || !isWhole(offset) || !isWhole(size))
      throw refuse('a chunk without fid and size');
    return { fid, offset, sizeBytes: size };
  }
}

/** The content that the chunks come to; of each only what is wanted is read. */
export function manifestContent(
  { sizeBytes, chunks }: ChunkManifest,
  reader: ChunkReader,
  close: () => Promise<void>,
): Content {
  async function* read({ start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    for (const { fid, offset, sizeBytes: chunkBytes } of chunks) {
      const wanted = { start: Math.max(0, start - offset), end: Math.min(chunkBytes, end - offset) };
      if (wanted.end <= wanted.start) continue;
      let missing = wanted.end - wanted.start;
      for await (const piece of reader.read(fid, wanted)) {
        missing -= piece.length;
        if (missing < 0) break;
        yield piece;
      }
      if (missing !== 0) throw new HttpRefusal(500, `chunk ${fid} is not as long as its manifest says`);
    }
  }
  return {
    sizeBytes,
    bytes: undefined,
    first: () => firstPiece(read({ start: 0, end: Math.min(SNIFFED_BYTES, sizeBytes) })),
    read,
    close,
  };
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
