import { crc32c, legacyCrc, writeNeedle } from '@holdfast/format';
import { StoreError } from '@holdfast/store';
import { createSeededRandom } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../src/build/pool.js';
import { createPoolReader } from '../../src/build/pool-reader.js';
import { findPoolRecord, openPoolData, provedCrc, type RecordTile } from '../../src/build/pool-record.js';

const DATA = createSeededRandom(3).bytes(2_500_000);
const CRC = crc32c(DATA);
const POOL_OFFSET = 64;

interface NeedleParts {
  readonly cookie?: number;
  readonly needleId?: bigint;
  readonly data?: Uint8Array;
  readonly appendAtNs?: bigint;
  readonly version?: 1 | 2 | 3;
}

function recordOf({ version = 3, ...parts }: NeedleParts = {}): Uint8Array {
  const needle = { cookie: 5, needleId: 9n, data: DATA, name: 'a', mime: '', appendAtNs: 77n, ...parts };
  return writeNeedle(needle, version, { crc32c });
}

function tileOf(record: Uint8Array, version: 1 | 2 | 3 = 3): RecordTile {
  const sizeBytes = new DataView(record.buffer, record.byteOffset).getInt32(12);
  const entry = { needleId: 9n, offset: 8, sizeBytes };
  return { kind: 'record', offset: 8, lengthBytes: record.length, version, entry, entryIndex: 0 };
}

/** A pool of one source that has `record`, and every read of it. */
function poolOf(record: Uint8Array, isSameCopy = true) {
  const file = new Uint8Array(POOL_OFFSET + record.length);
  file.set(record, POOL_OFFSET);
  const reads: number[] = [];
  const source = {
    isSameCopy,
    read: async (offset: number, lengthBytes: number): Promise<Uint8Array | undefined> => {
      reads.push(offset);
      const bytes = file.slice(offset, offset + lengthBytes);
      return bytes.length === lengthBytes ? bytes : undefined;
    },
  };
  const places = { count: 1, placeOf: () => ({ source: 0, offset: POOL_OFFSET }) };
  const pool: Pool = { sources: [source], places, close: async () => {} };
  return { pool, file, reads };
}

/** What the leader's `theirs` proves of the pool's `ours`. */
async function proved(ours: Uint8Array, theirs: Uint8Array, isSameCopy = true, version: 1 | 2 | 3 = 3) {
  const tile = tileOf(theirs, version);
  const record = await findPoolRecord(poolOf(ours, isSameCopy).pool, tile);
  if (record === undefined) return 'not the same needle';
  return provedCrc(record, theirs.subarray(0, record.dataStart), theirs.subarray(16 + tile.entry.sizeBytes));
}

describe('what proves a record of the pool', () => {
  it('of the same copy: the stamp, and then the CRC', async () => {
    expect(await proved(recordOf(), recordOf())).toBe(CRC);
    expect(await proved(recordOf(), recordOf({ cookie: 6 }))).toBe(CRC);
    expect(await proved(recordOf(), recordOf({ appendAtNs: 78n }))).toBeUndefined();
  });

  it('of another copy, and where there are no stamps: the cookie', async () => {
    expect(await proved(recordOf(), recordOf({ appendAtNs: 78n }), false)).toBe(CRC);
    expect(await proved(recordOf(), recordOf({ cookie: 6 }), false)).toBeUndefined();
    for (const version of [1, 2] as const) {
      const ours = recordOf({ version });
      expect(await proved(ours, ours, true, version)).toBe(CRC);
      expect(await proved(ours, recordOf({ version, cookie: 6 }), true, version)).toBeUndefined();
    }
  });

  it('never one of another id, size or length of data', async () => {
    expect(await proved(recordOf({ needleId: 8n }), recordOf())).toBe('not the same needle');
    expect(await proved(recordOf({ data: DATA.subarray(1) }), recordOf())).toBe('not the same needle');
    const longer = recordOf();
    new DataView(longer.buffer, longer.byteOffset).setUint32(16, DATA.length + 1);
    expect(await proved(recordOf(), longer)).toBeUndefined();
    const beyond = recordOf();
    new DataView(beyond.buffer, beyond.byteOffset).setUint32(16, 0xffff_ffff);
    expect(await proved(beyond, recordOf())).toBe('not the same needle');
  });
});

describe('the data of a proved record', () => {
  async function dataFrom(
    ours: Uint8Array,
    storedCrc: number,
    onRead: (reads: readonly number[], file: Uint8Array) => void = () => {},
  ) {
    const { pool, file, reads } = poolOf(ours);
    const record = (await findPoolRecord(pool, tileOf(ours)))!;
    const { read } = record.source;
    const source = {
      ...record.source,
      read: (offset: number, lengthBytes: number) => {
        onRead(reads, file);
        return read(offset, lengthBytes);
      },
    };
    const pieces = await openPoolData({ ...record, source }, storedCrc, crc32c);
    if (pieces === undefined) return undefined;
    const parts = [];
    for await (const piece of pieces) parts.push(piece);
    return parts;
  }

  it('in either encoding of the CRC, and not where it is another', async () => {
    for (const storedCrc of [CRC, legacyCrc(CRC)]) {
      const parts = await dataFrom(recordOf(), storedCrc);
      expect(Buffer.concat(parts!.map(({ bytes }) => bytes!)).equals(DATA)).toBe(true);
    }
    expect(await dataFrom(recordOf(), CRC ^ 1)).toBeUndefined();
    const short = DATA.subarray(0, 500);
    expect(await dataFrom(recordOf({ data: short }), crc32c(short))).toMatchObject([
      { at: 0, lengthBytes: 500 },
    ]);
  });

  it('what reads differently the second time is not given, and all else is', async () => {
    const parts = await dataFrom(recordOf(), CRC, (reads, file) => {
      // Head and stamp, three pieces, and now the first of them again.
      if (reads.length === 6) file[POOL_OFFSET + 20 + 1_500_000]! ^= 1;
    });
    expect(parts!.map(({ bytes }) => bytes?.length)).toEqual([1 << 20, undefined, DATA.length - (2 << 20)]);
  });
});

describe('reading a pool', () => {
  it('gives exactly what is asked for, or nothing, and reads ahead where reads follow one another', async () => {
    const file = createSeededRandom(4).bytes(3_000_000);
    const reads: number[] = [];
    const reader = createPoolReader({
      async readAt(offset, lengthBytes) {
        reads.push(lengthBytes);
        if (offset < 2_000_100 && offset + lengthBytes > 2_000_000)
          throw new StoreError('disk-failed', 'unreadable');
        return file.slice(offset, offset + lengthBytes);
      },
    });
    const expectSame = async (offset: number, lengthBytes: number) =>
      expect(
        Buffer.from((await reader.read(offset, lengthBytes))!).equals(
          file.subarray(offset, offset + lengthBytes),
        ),
      ).toBe(true);
    for (let at = 0; at + 1000 <= 1_000_000; at += 1000) await expectSame(at, 1000);
    expect(reads.length).toBeLessThan(4);
    for (let at = 1_500_000; at + 1000 <= 2_000_000; at += 1000) await expectSame(at, 1000);
    expect(await reader.read(1_999_900, 200)).toBeUndefined();
    await expectSame(2_000_100, 800_000);
    expect(await reader.read(2_999_999, 2)).toBeUndefined();
    await expectSame(5, 10);
  });
});
