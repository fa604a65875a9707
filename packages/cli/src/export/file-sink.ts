import { utimes } from 'node:fs/promises';
import type { StoreEnvironment } from '@holdfast/store';
import { OutputError } from '../output-error.js';
import { tarEnd, tarHeader, tarPadding } from './tar-format.js';

/** A file that goes out. */
export interface OutgoingFile {
  /** Safe, and no other's. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Unix seconds; `undefined` where nothing tells. */
  readonly modifiedAtSeconds: number | undefined;
}

/** Where files go: a folder or an archive. One file at a time. */
export interface FileSink {
  /** `content` has `sizeBytes` bytes. */
  put(file: OutgoingFile, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** All files are there. */
  finish(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Files of a folder that is there and was empty: nothing is ever replaced. */
export function createFolderSink({ disk }: StoreEnvironment, directory: string): FileSink {
  return {
    async put({ name, modifiedAtSeconds }, content) {
      const path = `${directory}/${name}`;
      const file = await disk.open(path, { mode: 'create-new' });
      let offset = 0;
      try {
        for await (const piece of content) {
          await file.writeAt(offset, piece);
          offset += piece.length;
        }
      } catch (error) {
        // Half a file would pass for a whole one.
        await disk.remove(path);
        throw error;
      } finally {
        await file.close();
      }
      if (modifiedAtSeconds !== undefined) await utimes(path, modifiedAtSeconds, modifiedAtSeconds);
    },
    finish: () => disk.syncDirectory(directory),
    close: async () => {},
  };
}

/** Bytes that go out one behind the other. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  /** They are where they should be. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Members of a tar archive: ustar, with pax headers where those do not fit. */
export function createTarSink(sink: ByteSink): FileSink {
  return {
    async put({ name, sizeBytes, modifiedAtSeconds = 0 }, content) {
      await sink.write(tarHeader({ name, sizeBytes, modifiedAtSeconds }));
      for await (const piece of content) await sink.write(piece);
      await sink.write(tarPadding(sizeBytes));
    },
    async finish() {
      await sink.write(tarEnd());
      await sink.finish();
    },
    close: () => sink.close(),
  };
}

/** A new file; one that was not finished is removed when it is closed. */
export async function openByteFile({ disk }: StoreEnvironment, path: string): Promise<ByteSink> {
  const file = await disk.open(path, { mode: 'create-new' });
  let offset = 0;
  let isFinished = false;
  return {
    async write(bytes) {
      await file.writeAt(offset, bytes);
      offset += bytes.length;
    },
    async finish() {
      await file.syncData();
      isFinished = true;
    },
    async close() {
      await file.close();
      if (!isFinished) await disk.remove(path);
    },
  };
}

/** A stream whose reader may be slow, or go away: then it fails with `OutputError`. */
export function byteStream(stream: NodeJS.WritableStream): ByteSink {
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => {
        if (error) reject(new OutputError(error));
        else resolve();
      });
    });
  return { write, finish: () => write(new Uint8Array()), close: async () => {} };
}
