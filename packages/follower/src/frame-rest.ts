import { type Crc32c, FormatError, NeedleFramer, type Version } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';

const PIECE_BYTES = 1024 * 1024;

/** Bytes behind the last record that an index knows of, and the layout that the leader writes now. */
export interface RestBounds {
  readonly version: Version;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** Where the whole records among them end, and what is known of the last of these. */
export interface FramedRest {
  readonly endOffset: number;
  readonly lastDataOffset?: number;
  readonly lastAppendAtNs?: bigint;
}

/** Whole, sound records behind the last one that the index knows of; what follows them is the leader's tail. */
export async function frameRest(
  dat: RandomAccess,
  { version, startOffset, endOffset }: RestBounds,
  crc32c: Crc32c,
): Promise<FramedRest> {
  const framer = new NeedleFramer({ version, startOffset, collect: 'headers', crc32c });
  let rest: FramedRest = { endOffset: startOffset };
  try {
    for (let at = startOffset; at < endOffset; at += PIECE_BYTES) {
      const piece = await dat.readAt(at, Math.min(PIECE_BYTES, endOffset - at));
      for (const record of framer.push(piece)) {
        if (!record.isCrcValid) return rest;
        const { offset, appendAtNs, lengthBytes } = record;
        const isData = record.header.sizeBytes > 0;
        rest = {
          ...rest,
          endOffset: offset + lengthBytes,
          lastAppendAtNs: appendAtNs,
          ...(isData ? { lastDataOffset: offset } : {}),
        };
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return rest;
}
