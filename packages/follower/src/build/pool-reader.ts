import type { RandomAccess } from '@holdfast/index';
import { StoreError } from '@holdfast/store';

/** Read ahead where one read follows another: a compacted volume's records come in the order of the pool's. */
const AHEAD_BYTES = 1024 * 1024;
/** A read that begins so little behind the last one's end still follows it. */
const NEAR_BYTES = 64 * 1024;

/** Reads of a file that may be unreadable in places. */
export interface PoolReader {
  /** Exactly these bytes, to be left as they are; `undefined` where the disk, or the file's end, says no. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array | undefined>;
}

export function createPoolReader(source: Pick<RandomAccess, 'readAt'>): PoolReader {
  let ahead: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  let lastEnd = 0;
  /** Before this a sector is unreadable: reads there go to the disk one by one. */
  let spoiledUntil = 0;

  async function readAt(offset: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    try {
      return await source.readAt(offset, lengthBytes);
    } catch (error) {
      if (error instanceof StoreError) return undefined;
      throw error;
    }
  }

  async function readAhead(offset: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    const bytes = await readAt(offset, AHEAD_BYTES);
    if (bytes === undefined) {
      spoiledUntil = offset + AHEAD_BYTES;
      return await readAt(offset, lengthBytes);
    }
    ahead = { offset, bytes };
    return bytes.subarray(0, lengthBytes);
  }

  return {
    async read(offset, lengthBytes) {
      const follows = offset >= lastEnd && offset - lastEnd <= NEAR_BYTES;
      lastEnd = offset + lengthBytes;
      if (ahead !== undefined && offset >= ahead.offset && lastEnd <= ahead.offset + ahead.bytes.length)
        return ahead.bytes.subarray(offset - ahead.offset, lastEnd - ahead.offset);
      const isAheadWorthwhile = follows && lengthBytes < AHEAD_BYTES && offset >= spoiledUntil;
      const bytes = isAheadWorthwhile
        ? await readAhead(offset, lengthBytes)
        : await readAt(offset, lengthBytes);
      return bytes?.length === lengthBytes ? bytes : undefined;
    },
  };
}
