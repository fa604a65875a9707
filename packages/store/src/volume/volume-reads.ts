import {
  type Crc32c,
  FormatError,
  type IdxEntry,
  type Needle,
  parseNeedle,
  recordLengthBytes,
} from '@holdfast/format';
import { headerFitsEntry, type RandomAccess } from '@holdfast/index';
import { StoreError, type StoreErrorDetails } from '../errors.js';
import { notFound, type OpenedFiles } from './opened-files.js';
import type { Volume } from './volume.js';

/** How needles are found and read. `dat` is the file as written. */
export function createVolumeReads(
  { paths, version, map }: Pick<OpenedFiles, 'paths' | 'version' | 'map'>,
  dat: RandomAccess,
  crc32c: Crc32c,
): Pick<Volume, 'find' | 'findDeleted' | 'readEntry' | 'readNeedle' | 'readRange'> {
  const details = (entry: IdxEntry, more: StoreErrorDetails = {}): StoreErrorDetails => ({
    path: paths.dat,
    volume: paths.name,
    offset: entry.offset,
    needleId: entry.needleId,
    ...more,
  });

  async function readEntry(entry: IdxEntry): Promise<Needle> {
    const bytes = await dat.readAt(entry.offset, recordLengthBytes(version, entry.sizeBytes));
    try {
      const needle = parseNeedle(bytes, version, { crc32c });
      if (headerFitsEntry(needle, entry)) return needle;
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      throw new StoreError('corrupt', `needle ${hex(entry)} of ${paths.dat} is damaged: ${cause.message}`, {
        ...details(entry, { expected: cause.expected, found: cause.found, cause }),
      });
    }
    const message = `${paths.dat}: the record at ${entry.offset} is not needle ${hex(entry)} as the index has it`;
    throw new StoreError('corrupt', message, details(entry));
  }

  function find(needleId: bigint): IdxEntry | undefined {
    const entry = map.get(needleId);
    return entry !== undefined && entry.sizeBytes >= 0 ? entry : undefined;
  }

  return {
    find,
    findDeleted(needleId) {
      const entry = map.get(needleId);
      if (entry === undefined || entry.sizeBytes >= 0) return undefined;
      // No body is 1 byte long but in version 1: −1 stands for an empty needle.
      const wasEmpty = entry.sizeBytes === -1 && version > 1;
      return { ...entry, sizeBytes: wasEmpty ? 0 : -entry.sizeBytes };
    },
    readEntry,
    async readNeedle(needleId, cookie) {
      const entry = find(needleId);
      if (entry === undefined) throw notFound(paths, needleId);
      const needle = await readEntry(entry);
      if (cookie !== undefined && cookie !== needle.cookie) {
        throw new StoreError('cookie-mismatch', `needle ${hex(entry)} has another cookie`, details(entry));
      }
      return needle;
    },
    readRange: (offset, lengthBytes) => dat.readAt(offset, lengthBytes),
  };
}

function hex({ needleId }: IdxEntry): string {
  return needleId.toString(16);
}
