import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NeedleMap } from '../src/needle-map.js';

const entry = (needleId: bigint, offset: number, sizeBytes: number) => ({ needleId, offset, sizeBytes });

describe('NeedleMap', () => {
  it('keeps the last entry of a needle, wherever its record is', () => {
    const map = new NeedleMap();
    map.apply(entry(7n, 80, 10));
    expect(map.apply(entry(7n, 8, 20))).toEqual(entry(7n, 80, 10));
    expect(map.get(7n)).toEqual(entry(7n, 8, 20));
    expect(map.liveCount).toBe(1);
  });

  it('keeps a live empty needle apart from a deleted one', () => {
    const map = new NeedleMap();
    map.apply(entry(1n, 8, 0));
    expect(map.liveCount).toBe(1);
    map.apply(entry(1n, 40, -1));
    expect(map.get(1n)).toEqual(entry(1n, 8, -1));
    expect([map.liveCount, map.deletedCount]).toEqual([0, 1]);
    map.apply(entry(1n, 72, 0));
    expect(map.get(1n)).toEqual(entry(1n, 72, 0));
  });

  it('takes offset 0 for a deletion, whatever the size, and needs no former entry for it', () => {
    const map = new NeedleMap();
    map.apply(entry(1n, 8, 5));
    map.apply(entry(1n, 0, 5));
    map.apply(entry(2n, 0, 0));
    expect(map.get(1n)).toEqual(entry(1n, 8, -5));
    expect(map.get(2n)).toBeUndefined();
    expect([map.liveCount, map.deletedCount]).toEqual([0, 1]);
  });

  it('agrees with a plain map over any log of entries', () => {
    const entries = fc.array(
      fc.record({
        needleId: fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(0n, 2n ** 64n - 1n)),
        offset: fc.oneof(
          fc.constant(0),
          fc.integer({ min: 1, max: 2 ** 40 - 1 }).map((units) => units * 8),
        ),
        sizeBytes: fc.integer({ min: -3, max: 2 ** 31 - 1 }),
      }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(entries, (log) => {
        const map = new NeedleMap();
        const model = new Map<bigint, { offset: number; sizeBytes: number }>();
        for (const row of log) {
          map.apply(row);
          if (row.offset > 0 && row.sizeBytes >= 0) model.set(row.needleId, row);
          else model.delete(row.needleId);
        }
        expect(map.liveCount).toBe(model.size);
        const byOffset = [...map.liveByOffset()];
        const byNeedleId = [...map.liveByNeedleId()];
        expect(byOffset.map((row) => row.offset)).toEqual(
          [...model.values()].map((row) => row.offset).sort((a, b) => a - b),
        );
        expect(byNeedleId.map((row) => row.needleId)).toEqual(
          [...model.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
        );
        for (const row of byOffset) expect(row).toMatchObject(model.get(row.needleId)!);
        const sizes = [...model.values()].reduce((sum, row) => sum + row.sizeBytes, 0);
        expect(map.sumOfLive((sizeBytes) => sizeBytes)).toBe(sizes);
      }),
    );
  });

  it('holds two million needles in 64 MB, at most 24 bytes each, through every growth', () => {
    const map = new NeedleMap();
    let greatestShare = 0;
    for (let number = 1; number <= 2_000_000; number++) {
      map.apply(entry((BigInt(number) << 24n) | 0x51n, number * 4096, 4000));
      if (number >= 1_000_000 && number % 10_007 === 0)
        greatestShare = Math.max(greatestShare, map.memoryBytes / number);
    }
    expect(map.liveCount).toBe(2_000_000);
    expect(map.memoryBytes).toBeLessThan(64e6);
    expect(greatestShare).toBeLessThanOrEqual(24.5);
    expect(map.memoryBytes / 2_000_000).toBeLessThanOrEqual(24);
    expect(map.get((1_234_567n << 24n) | 0x51n)?.offset).toBe(1_234_567 * 4096);
  });

  it('files and deletions are counted as a server counts them', () => {
    const map = new NeedleMap();
    const put = (id: number, sizeBytes: number) => map.apply({ needleId: BigInt(id), offset: 8, sizeBytes });
    put(1, 10);
    put(2, 0);
    put(1, 20);
    put(2, 5);
    put(2, -1);
    put(2, -1);
    put(9, -1);
    expect([map.fileCount, map.deleteCount, map.liveCount]).toEqual([4, 2, 1]);
  });
});
