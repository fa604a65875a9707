import type { RandomAccess } from '@holdfast/index';
import { type Disk, type DiskFile, type FileStat, type GenerationReader, StoreError } from '@holdfast/store';

/**
 * A disk on which the two files of a volume are those of one generation, up to its position: whatever a follower appends
 * or swaps meanwhile, they stay as they are. Only for reading.
 */
export function generationDisk(
  disk: Disk,
  reader: GenerationReader,
  paths: { readonly dat: string; readonly idx: string },
): Disk {
  const pinned = new Map<string, RandomAccess>([
    [paths.dat, reader.dat],
    [paths.idx, reader.idx],
  ]);
  return {
    ...disk,
    async open(path, options) {
      const source = pinned.get(path);
      return source === undefined ? await disk.open(path, options) : readOnlyFile(path, source);
    },
    async stat(path) {
      const source = pinned.get(path);
      return source === undefined ? await disk.stat(path) : await statOf(source);
    },
  };
}

async function statOf(source: RandomAccess): Promise<FileStat> {
  return { kind: 'file', sizeBytes: await source.sizeBytes(), fileKey: 'generation', mtimeNs: 0n };
}

function readOnlyFile(path: string, source: RandomAccess): DiskFile {
  const refuse = async () => {
    throw new StoreError('read-only', `${path} is open for reading`, { path });
  };
  return {
    sizeBytes: () => source.sizeBytes(),
    readAt: (offset, lengthBytes) => source.readAt(offset, lengthBytes),
    stat: () => statOf(source),
    writeAt: refuse,
    truncate: refuse,
    syncData: refuse,
    // The reader, whose files these are, is closed by whoever opened it.
    close: async () => {},
  };
}
