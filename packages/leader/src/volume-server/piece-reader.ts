import { FormatError } from '@holdfast/format';

/** Reads so and so many bytes out of pieces that are cut anywhere. All calls one after the other. */
export interface PieceReader {
  /** Fails with `truncated` where the pieces end first. */
  exactly(lengthBytes: number): Promise<Uint8Array>;
  /** The next `lengthBytes`, as they come. Errors as `exactly`. */
  pieces(lengthBytes: number): AsyncGenerator<Uint8Array, void>;
  /** Fails with `bad-length` where there is more. */
  end(): Promise<void>;
}

export function createPieceReader(source: AsyncIterable<Uint8Array>): PieceReader {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  /** Whether there is anything left. */
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done) return false;
      rest = next.value;
    }
    return true;
  }

  async function* pieces(lengthBytes: number): AsyncGenerator<Uint8Array, void> {
    for (let missing = lengthBytes; missing > 0; ) {
      if (!(await fill())) throw new FormatError('truncated', `the pieces end ${missing} bytes too early`);
      const piece = rest.subarray(0, missing);
      rest = rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  return {
    pieces,
    async exactly(lengthBytes) {
      const bytes = new Uint8Array(lengthBytes);
      let at = 0;
      for await (const piece of pieces(lengthBytes)) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    },
    async end() {
      if (await fill()) throw new FormatError('bad-length', 'there are more bytes than the record has');
    },
  };
}
