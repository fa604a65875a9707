import { type IdxEntry, TOMBSTONE_SIZE } from '@holdfast/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRecordPlaceFinder, type IdxFile, openIdx } from '../src/index.js';
import { idxBytes, sourceOf } from './sources.js';

const indexOf = (entries: readonly IdxEntry[], width: 4 | 5 = 5): Promise<IdxFile> =>
  openIdx(sourceOf(idxBytes(entries, width)), width);

const entry = (needleId: bigint, offset: number, sizeBytes = 100): IdxEntry => ({
  needleId,
  offset,
  sizeBytes,
});

async function placesIn(own: readonly IdxEntry[], ...others: readonly (readonly IdxEntry[])[]) {
  const finder = await createRecordPlaceFinder(await indexOf(own));
  for (const [source, entries] of others.entries()) await finder.add(source, await indexOf(entries));
  return { finder, places: own.map((_, i) => finder.places.placeOf(i)) };
}

describe('places of records in other indexes', () => {
  test('by needle id and size; deletions, empty needles and offset 0 have none', async () => {
    const own = [
      entry(5n, 8),
      entry(2n, 128),
      entry(9n, 256, 0),
      entry(3n, 512, TOMBSTONE_SIZE),
      entry(4n, 640),
    ];
    const { places, finder } = await placesIn(own, [
      entry(2n, 8),
      entry(5n, 128, 101),
      entry(9n, 256, 0),
      entry(3n, 512),
      entry(4n, 0),
    ]);
    expect(places).toEqual([undefined, { source: 0, offset: 8 }, undefined, undefined, undefined]);
    expect(finder.places.count).toBe(1);
    expect(finder.isComplete).toBe(false);
  });

  test('the first source that has it; then nothing is looked for any more', async () => {
    const { places, finder } = await placesIn(
      [entry(1n, 8), entry(2n, 128)],
      [entry(1n, 800)],
      [entry(1n, 1600), entry(2n, 2400)],
    );
    expect(places).toEqual([
      { source: 0, offset: 800 },
      { source: 1, offset: 2400 },
    ]);
    expect(finder.isComplete).toBe(true);
  });

  test('of records written again the later places go to the later entries', async () => {
    const written = [entry(1n, 8), entry(2n, 128), entry(1n, 256), entry(1n, 384)];
    const { places } = await placesIn(written, written);
    expect(places.map((place) => place?.offset)).toEqual([8, 128, 256, 384]);
    const compacted = await placesIn([entry(1n, 8), entry(2n, 128)], written);
    expect(compacted.places.map((place) => place?.offset)).toEqual([384, 128]);
  });

  test('offsets of five bytes, with whatever source', async () => {
    const far = 8 * (2 ** 40 - 1);
    const finder = await createRecordPlaceFinder(await indexOf([entry(1n, 8)]));
    await finder.add(254, await indexOf([entry(1n, far)]));
    expect(finder.places.placeOf(0)).toEqual({ source: 254, offset: far });
    await expect(finder.add(255, await indexOf([]))).rejects.toThrow(RangeError);
  });

  test('a needle id that is written ever again costs no square', async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => entry(7n, 8 * (i + 1), i % 2 === 0 ? 100 : 200));
    const { finder } = await placesIn([...many, entry(7n, 8, 300)], many);
    expect(finder.places.count).toBeGreaterThan(0);
  });

  test('every place is one that the source has, whatever the indexes', async () => {
    const entries = fc.array(
      fc.record({
        needleId: fc.bigInt({ min: 0n, max: 6n }).map((id) => (id > 3n ? id << 40n : id)),
        offset: fc.integer({ min: 0, max: 40 }).map((units) => units * 8),
        sizeBytes: fc.integer({ min: -1, max: 3 }),
      }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(entries, entries, async (own, other) => {
        const { places } = await placesIn(own, other);
        const taken = new Set<string>();
        for (const [i, place] of places.entries()) {
          if (place === undefined) continue;
          const { needleId, sizeBytes } = own[i]!;
          const claims = other.filter((e) => e.needleId === needleId && e.sizeBytes === sizeBytes);
          expect(claims.map(({ offset }) => offset)).toContain(place.offset);
          taken.add(`${needleId} ${sizeBytes}`);
        }
        for (const { needleId, sizeBytes, offset } of own) {
          const isThere = other.some(
            (e) => e.needleId === needleId && e.sizeBytes === sizeBytes && e.offset > 0,
          );
          const hasPlace = taken.has(`${needleId} ${sizeBytes}`);
          if (isThere && sizeBytes > 0 && offset > 0) expect(hasPlace).toBe(true);
        }
      }),
    );
  });
});
