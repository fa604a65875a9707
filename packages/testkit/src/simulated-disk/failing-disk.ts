import { type Disk, type DiskFile, StoreError } from '@holdfast/store';

export interface Failing {
  /** How many calls there were since `failAt`. */
  readonly calls: number;
  /** Lets one call from now on fail with `disk-failed` and do nothing: 0 is the next one, `undefined` none. Closing never fails. */
  failAt(call: number | undefined): void;
}

/** `disk`, real or simulated, whose calls are counted, reads and all, and of which any one can be made to fail. */
export function createFailingDisk<D extends Disk>(disk: D): D & Failing {
  let calls = 0;
  let failing: number | undefined;

  async function counted<T>(path: string, run: () => Promise<T>): Promise<T> {
    if (calls++ === failing)
      throw new StoreError('disk-failed', `${path}: the disk was made to fail`, { path });
    return await run();
  }

  function countedFile(path: string, file: DiskFile): DiskFile {
    return {
      sizeBytes: () => counted(path, () => file.sizeBytes()),
      stat: () => counted(path, () => file.stat()),
      readAt: (offset, lengthBytes) => counted(path, () => file.readAt(offset, lengthBytes)),
      writeAt: (offset, bytes) => counted(path, () => file.writeAt(offset, bytes)),
      truncate: (sizeBytes) => counted(path, () => file.truncate(sizeBytes)),
      syncData: () => counted(path, () => file.syncData()),
      close: () => file.close(),
    };
  }

  return {
    ...disk,
    get calls() {
      return calls;
    },
    failAt(call) {
      calls = 0;
      failing = call;
    },
    open: (path, options) => counted(path, async () => countedFile(path, await disk.open(path, options))),
    stat: (path) => counted(path, () => disk.stat(path)),
    list: (path) => counted(path, () => disk.list(path)),
    makeDirectory: (path) => counted(path, () => disk.makeDirectory(path)),
    removeDirectory: (path) => counted(path, () => disk.removeDirectory(path)),
    rename: (from, to) => counted(from, () => disk.rename(from, to)),
    link: (existing, added) => counted(existing, () => disk.link(existing, added)),
    remove: (path) => counted(path, () => disk.remove(path)),
    syncDirectory: (path) => counted(path, () => disk.syncDirectory(path)),
    freeBytes: (path) => counted(path, () => disk.freeBytes(path)),
  };
}
