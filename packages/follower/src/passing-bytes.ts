import type { ByteRange } from '@holdfast/protocol';

/** Keeps the bytes of one small range out of a stream that passes. */
export class PassingBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
  #kept = 0;

  constructor(range: ByteRange) {
    this.offset = range.offset;
    this.bytes = new Uint8Array(range.lengthBytes);
  }

  /** `chunk` stands at `offset` in the file; chunks come in order. */
  push(chunk: Uint8Array, offset: number): void {
    const first = Math.max(0, this.offset - offset);
    const last = Math.min(chunk.length, this.offset + this.bytes.length - offset);
    if (last <= first) return;
    this.bytes.set(chunk.subarray(first, last), offset + first - this.offset);
    this.#kept += last - first;
  }

  /** Whether the whole range has passed. */
  get isWhole(): boolean {
    return this.#kept === this.bytes.length;
  }
}
