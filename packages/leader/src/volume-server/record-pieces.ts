import { NEEDLE_HEADER_SIZE_BYTES, parseNeedleHeader, recordLengthBytes } from '@holdfast/format';
import { type ByteRange, RpcError } from '@holdfast/protocol';
import type { PinnedVolume } from '../needles/stored-volume.js';
import { streamFile } from './stream-file.js';

const WINDOW_BYTES = 1 << 20;

/** A record, or a part of one that is longer than a message. */
export interface RecordPiece {
  readonly header: Uint8Array;
  /** What follows the header, padding included. */
  readonly body: Uint8Array;
  readonly isLast: boolean;
}

/**
 * The records that fill the range, front to back, cut where their bodies are longer than `pieceBytes`. Fails with
 * `data-loss` where one cannot be told from the next.
 */
export async function* recordPieces(
  { dat, version }: PinnedVolume,
  range: ByteRange,
  pieceBytes: number,
  signal: AbortSignal,
): AsyncGenerator<RecordPiece, void> {
  const end = range.offset + range.lengthBytes;
  let window: Uint8Array = new Uint8Array(0);
  let windowStart = range.offset;

  /** From a window that is read on when it does not reach so far. */
  async function read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    if (offset + lengthBytes > windowStart + window.length) {
      const windowBytes = Math.min(Math.max(WINDOW_BYTES, lengthBytes), end - offset);
      window = await dat.readAt(offset, windowBytes);
      windowStart = offset;
    }
    return window.subarray(offset - windowStart, offset - windowStart + lengthBytes);
  }

  for (let offset = range.offset; offset < end; ) {
    signal.throwIfAborted();
    const lengthBytes =
      end - offset < NEEDLE_HEADER_SIZE_BYTES ? 0 : lengthOf(await read(offset, NEEDLE_HEADER_SIZE_BYTES));
    if (lengthBytes === 0 || offset + lengthBytes > end)
      throw new RpcError('data-loss', `there is no whole record at ${offset}`);
    const header = (await read(offset, NEEDLE_HEADER_SIZE_BYTES)).slice();
    const bodyStart = offset + NEEDLE_HEADER_SIZE_BYTES;
    offset += lengthBytes;
    if (lengthBytes <= pieceBytes) {
      yield { header, body: await read(bodyStart, offset - bodyStart), isLast: true };
    } else {
      let at = bodyStart;
      for await (const body of streamFile(dat, bodyStart, offset, pieceBytes, signal)) {
        at += body.length;
        yield { header, body, isLast: at === offset };
      }
    }
  }

  function lengthOf(header: Uint8Array): number {
    const { sizeBytes } = parseNeedleHeader(header);
    return sizeBytes < 0 ? 0 : recordLengthBytes(version, sizeBytes);
  }
}
