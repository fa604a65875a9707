import { idxEntrySizeBytes, writeIdxEntry } from '@holdfast/format';
import { openIdx, type Tiling, tileByIndex } from '@holdfast/index';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../src/build/pool.js';
import { countedCost, planBuild } from '../../src/build/weigh-build.js';
import type { LinkCost } from '../../src/link-meter.js';

const MiB = 1024 * 1024;
const COUNTED = 2 * MiB;

/** Records of so many bytes one after the other, and a pool that has the first `pooled` of them. */
async function volumeOf(records: number, recordBytes: number, pooled: number) {
  const width = 5;
  const idx = new Uint8Array(records * idxEntrySizeBytes(width));
  for (let i = 0; i < records; i++) {
    const entry = { needleId: BigInt(i + 1), offset: 8 + i * recordBytes, sizeBytes: recordBytes - 32 };
    writeIdxEntry(entry, width, idx, i * idxEntrySizeBytes(width));
  }
  const source = {
    sizeBytes: async () => idx.length,
    readAt: async (offset: number, lengthBytes: number) => idx.slice(offset, offset + lengthBytes),
  };
  const datSizeBytes = 8 + records * recordBytes;
  const input = { version: 3 as const, datSizeBytes, prove: async () => true };
  const tiling: Tiling = await tileByIndex(await openIdx(source, width), input);
  const places = {
    count: pooled,
    placeOf: (i: number) => (i < pooled ? { source: 0, offset: 8 } : undefined),
  };
  const pool: Pool = { sources: [], places, close: async () => {} };
  return { tiling, pool };
}

/** The way that is taken for 1,000 records of which all but a hundredth are here. */
async function wayFor(recordBytes: number, link: LinkCost): Promise<string> {
  const { tiling, pool } = await volumeOf(1000, recordBytes, 990);
  return planBuild(tiling, pool, 0, countedCost(link, COUNTED)).way;
}

describe('windows or whole', () => {
  it('windows where calls are quick, however quick the bytes are', async () => {
    const loopback = { secondsPerRange: 0.0002, bytesPerSecond: 700 * MiB };
    expect(await wayFor(4096, loopback)).toBe('windows');
    expect(await wayFor(1 * MiB, loopback)).toBe('windows');
    expect(await wayFor(256, loopback)).toBe('whole');
  });

  it('over a long way windows only for long records, unless the bytes are slow too', async () => {
    const faraway = { secondsPerRange: 0.0125, bytesPerSecond: 10 * MiB };
    expect(await wayFor(4096, faraway)).toBe('whole');
    expect(await wayFor(100_000, faraway)).toBe('windows');
    expect(await wayFor(4096, { ...faraway, bytesPerSecond: MiB / 16 })).toBe('windows');
  });

  it('whole where the pool has little, or nothing', async () => {
    const link = { secondsPerRange: 0, bytesPerSecond: undefined };
    const few = await volumeOf(100, 10_000, 20);
    expect(planBuild(few.tiling, few.pool, 0, countedCost(link, COUNTED))).toMatchObject({ way: 'whole' });
    const none = await volumeOf(100, 10_000, 0);
    const plan = planBuild(none.tiling, none.pool, 0, countedCost(link, COUNTED));
    expect(plan).toMatchObject({ way: 'whole', reason: 'the pool has nothing of it' });
    const most = await volumeOf(100, 10_000, 40);
    expect(planBuild(most.tiling, most.pool, 0, countedCost(link, COUNTED))).toMatchObject({
      way: 'windows',
    });
  });

  it('says by which figures', async () => {
    const { tiling, pool } = await volumeOf(100, 10_000, 90);
    const plan = planBuild(
      tiling,
      pool,
      8 + 10 * 10_000,
      countedCost({ secondsPerRange: 0.001, bytesPerSecond: MiB }, COUNTED),
    );
    expect(plan).toEqual({
      way: 'windows',
      reason: expect.stringMatching(
        /^\d+ bytes in 81 windows \(counted \S+ s\) against 900000 bytes whole \(\S+ s\)$/,
      ),
      whole: { bytes: 900_000, seconds: 0.858 },
      windows: { bytes: 900_000 - 80 * 9952, ranges: 81, reusedBytes: 80 * 9952, seconds: 0.18 },
    });
  });
});
