const BLOCK_BYTES = 64 * 1024;

/** Bytes in the order in which they came, in blocks: many small parts take no more room than one large one. */
export interface ByteStash {
  /** Copies. */
  push(part: Uint8Array): void;
  /** The next block, no longer kept. */
  shift(): Uint8Array | undefined;
}

export function createByteStash(): ByteStash {
  const blocks: Uint8Array[] = [];
  /** Of the last block. */
  let filledBytes = 0;
  return {
    push(part) {
      for (let at = 0; at < part.length; ) {
        if (blocks.length === 0 || filledBytes === BLOCK_BYTES) {
          blocks.push(new Uint8Array(BLOCK_BYTES));
          filledBytes = 0;
        }
        const last = blocks.at(-1) as Uint8Array;
        const copied = part.subarray(at, at + BLOCK_BYTES - filledBytes);
        last.set(copied, filledBytes);
        filledBytes += copied.length;
        at += copied.length;
      }
    },
    shift() {
      const block = blocks.shift();
      return blocks.length === 0 ? block?.subarray(0, filledBytes) : block;
    },
  };
}
