/**
 * A file in memory as a server sees it: whoever opened it keeps it, however often its name is given to another one.
 */
export interface GrowingFile {
  readonly sizeBytes: number;
  /** The bytes [offset, offset + lengthBytes), fewer where the file ends first; a copy. */
  read(offset: number, lengthBytes: number): Uint8Array;
  /** Writes at `offset`; a hole before it reads as zeros. */
  write(offset: number, bytes: Uint8Array): void;
  truncate(sizeBytes: number): void;
}

const FIRST_CAPACITY_BYTES = 4096;

export function createGrowingFile(content: Uint8Array = new Uint8Array(0)): GrowingFile {
  // Not `slice`: a `Buffer` makes that a view of the caller's bytes.
  let buffer = new Uint8Array(content);
  let sizeBytes = content.length;

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    read(offset, lengthBytes) {
      return buffer.slice(Math.min(offset, sizeBytes), Math.min(offset + lengthBytes, sizeBytes));
    },
    write(offset, bytes) {
      const end = offset + bytes.length;
      if (end > buffer.length) {
        const grown = new Uint8Array(Math.max(end, buffer.length * 2, FIRST_CAPACITY_BYTES));
        grown.set(buffer.subarray(0, sizeBytes));
        buffer = grown;
      }
      buffer.set(bytes, offset);
      sizeBytes = Math.max(sizeBytes, end);
    },
    truncate(newSizeBytes) {
      buffer.fill(0, newSizeBytes);
      sizeBytes = Math.min(sizeBytes, newSizeBytes);
    },
  };
}
