import type { DiskFile } from '../disk.js';

const BUFFER_BYTES = 1 << 20;

/** Writes a file from its beginning, small pieces gathered into writes of about 1 MiB. */
export interface FileWriter {
  /** How long the file is once everything is written. */
  readonly sizeBytes: number;
  /** Takes a copy where it keeps a piece. */
  write(piece: Uint8Array): Promise<void>;
  /** Everything so far is in the file, and durable. */
  sync(): Promise<void>;
}

export function createFileWriter(file: DiskFile): FileWriter {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0;
  let writtenBytes = 0;

  async function put(bytes: Uint8Array): Promise<void> {
    await file.writeAt(writtenBytes, bytes);
    writtenBytes += bytes.length;
  }

  async function flush(): Promise<void> {
    const lengthBytes = filled;
    filled = 0;
    if (lengthBytes > 0) await put(buffer.subarray(0, lengthBytes));
  }

  return {
    get sizeBytes() {
      return writtenBytes + filled;
    },
    async write(piece) {
      if (filled + piece.length > BUFFER_BYTES) await flush();
      if (piece.length > BUFFER_BYTES) return put(piece);
      buffer.set(piece, filled);
      filled += piece.length;
    },
    async sync() {
      await flush();
      await file.syncData();
    },
  };
}
