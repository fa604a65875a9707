import {
  type Crc32c,
  DATA_SIZE_FIELD_BYTES,
  type IdxEntry,
  NEEDLE_HEADER_SIZE_BYTES,
  parseNeedleHeader,
} from '@holdfast/format';
import { isStoreError } from '../errors.js';
import { openNeedleStream, type ReadableRecords } from '../needle-stream.js';
import { isExpired } from './expiry.js';
import type { StagedData } from './volume.js';

const HEAD_BYTES = NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_FIELD_BYTES;

/** The beginning of a record, which tells in one read whether a new one is worth a second look. */
export interface FormerHead {
  readonly cookie: number;
  readonly dataSizeBytes: number;
}

/** What a needle that is about to be overwritten or deleted is now. */
export interface FormerRecords {
  /** `undefined` where the record is not the needle's. */
  headOf(entry: IdxEntry): Promise<FormerHead | undefined>;
  /** The stamp of the record if it has exactly these data, as many as its head says, and is not past its ttl. */
  stampIfSame(entry: IdxEntry, data: Uint8Array | StagedData, nowNs: bigint): Promise<bigint | undefined>;
  /** Raw CRC of the data; 0 where they are damaged. */
  crcOf(entry: IdxEntry): Promise<number>;
}

export function createFormerRecords(records: ReadableRecords, crc32c: Crc32c): FormerRecords {
  /** Nothing in a damaged record is kept: the new one heals it. */
  async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (isStoreError(error, 'corrupt')) return undefined;
      throw error;
    }
  }

  return {
    async headOf({ offset, needleId }) {
      const bytes = await records.readRange(offset, HEAD_BYTES);
      if (bytes.length < HEAD_BYTES) return undefined;
      const header = parseNeedleHeader(bytes);
      if (header.needleId !== needleId) return undefined;
      const { cookie, sizeBytes } = header;
      if (records.version === 1 || sizeBytes === 0) return { cookie, dataSizeBytes: sizeBytes };
      const dataSizeBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(NEEDLE_HEADER_SIZE_BYTES);
      return { cookie, dataSizeBytes };
    },
    stampIfSame: (entry, data, nowNs) =>
      unlessDamaged(async () => {
        const former = await openNeedleStream(records, entry, crc32c);
        if (isExpired(former, nowNs)) return undefined;
        let at = 0;
        for await (const piece of former.data()) {
          const own = data instanceof Uint8Array ? data : data.source;
          const part =
            own instanceof Uint8Array
              ? own.subarray(at, at + piece.length)
              : await own.readAt(at, piece.length);
          if (!isEqual(piece, part)) return undefined;
          at += piece.length;
        }
        return former.appendAtNs;
      }),
    async crcOf(entry) {
      const crc = await unlessDamaged(async () => {
        let sum = 0;
        for await (const piece of (await openNeedleStream(records, entry, crc32c)).data())
          sum = crc32c(piece, sum);
        return sum;
      });
      return crc ?? 0;
    },
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
