import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own, small enough to be filled. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes every byte that is left. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  free(): Promise<void>;
  /** Unmounts and removes it. */
  remove(): Promise<void>;
}

/** `undefined` where this user may not mount. */
export async function mountSmallDisk(sizeBytes: number): Promise<SmallDisk | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', directory]);
  } catch {
    await rm(directory, { recursive: true });
    return undefined;
  }
  const filler = join(directory, 'filler');
  return {
    directory,
    async fill() {
      const file = await open(filler, 'a');
      try {
        for (let pieceBytes = 1024 * 1024; pieceBytes >= 1; ) {
          const isWritten = await file.write(new Uint8Array(pieceBytes)).then(
            ({ bytesWritten }) => bytesWritten === pieceBytes,
            () => false,
          );
          if (!isWritten) pieceBytes = Math.floor(pieceBytes / 2);
        }
      } finally {
        await file.close();
      }
    },
    async free() {
      await rm(filler, { force: true });
    },
    async remove() {
      await run('umount', ['-l', directory]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
