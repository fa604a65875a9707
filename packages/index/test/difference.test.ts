import { type IdxEntry, isDeletion } from '@holdfast/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { differenceOfIndexes, openIdx, readLiveSet } from '../src/index.js';
import { collect, goldenVolumes, idxBytes, manifest, read, sourceOf } from './sources.js';

const open = (entries: readonly IdxEntry[]) => openIdx(sourceOf(idxBytes(entries)), 5);

function liveMap(entries: readonly IdxEntry[]): Map<bigint, IdxEntry> {
  const live = new Map<bigint, IdxEntry>();
  for (const entry of entries) {
    if (isDeletion(entry)) live.delete(entry.needleId);
    else live.set(entry.needleId, entry);
  }
  return live;
}

const log = fc.array(
  fc.record({
    needleId: fc.oneof(
      fc.bigInt(0n, 8n),
      fc.constantFrom(2n ** 64n - 1n, 2n ** 32n, 2n ** 32n + 1n, 65_536n),
    ),
    offset: fc.nat(5).map((units) => units * 8),
    sizeBytes: fc.integer({ min: -2, max: 3 }),
  }),
  { maxLength: 30 },
);

test('the live set is that of a replay, by ascending id', async () => {
  await fc.assert(
    fc.asyncProperty(log, async (entries) => {
      const set = await readLiveSet(await open(entries));
      const found = Array.from({ length: set.count }, (_, i) => set.entryAt(i));
      const expected = [...liveMap(entries).values()].sort((a, b) => (a.needleId < b.needleId ? -1 : 1));
      expect(found).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('the difference turns the one live set into the other', async () => {
  await fc.assert(
    fc.asyncProperty(
      log,
      log,
      fc.constantFrom('size' as const, 'size-and-offset' as const),
      async (a, b, compare) => {
        const before = liveMap(a);
        const after = liveMap(b);
        const changed = liveMap(a);
        for (const each of await collect(differenceOfIndexes(await open(a), await open(b), { compare }))) {
          if (each.kind !== 'added') expect(before.get(each.before.needleId)).toEqual(each.before);
          else expect(before.has(each.after.needleId)).toBe(false);
          if (each.kind === 'removed') changed.delete(each.before.needleId);
          else changed.set(each.after.needleId, each.after);
        }
        const key = ({ sizeBytes, offset }: IdxEntry) =>
          compare === 'size' ? [sizeBytes] : [sizeBytes, offset];
        expect(new Map([...changed].map(([id, entry]) => [id, key(entry)]))).toEqual(
          new Map([...after].map(([id, entry]) => [id, key(entry)])),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('where nothing is compared every needle that both have is told', async () => {
  await fc.assert(
    fc.asyncProperty(log, log, async (a, b) => {
      const [before, after] = [liveMap(a), liveMap(b)];
      const expected = [...new Set([...before.keys(), ...after.keys()])].sort((x, y) => (x < y ? -1 : 1));
      const told = await collect(differenceOfIndexes(await open(a), await open(b), { compare: 'nothing' }));
      expect(told.map((each) => (each.kind === 'removed' ? each.before : each.after).needleId)).toEqual(
        expected,
      );
      for (const each of told)
        if (each.kind === 'changed') expect(after.get(each.after.needleId)).toEqual(each.after);
    }),
  );
});

test('an index does not differ from itself', async () => {
  await fc.assert(
    fc.asyncProperty(log, async (entries) => {
      expect(await collect(differenceOfIndexes(await open(entries), await open(entries)))).toEqual([]);
    }),
  );
});

test.each(goldenVolumes().filter(({ name }) => !/^(tools|ttl|version2-ttl)/.test(name)))(
  '$name: the live needles of the manifest',
  async ({ name, idx, width }) => {
    const set = await readLiveSet(await openIdx(sourceOf(idx), width));
    const { live } = manifest<{ live: { key: string }[] }>(name);
    const expected = live.map(({ key }) => BigInt(`0x${key}`)).sort((a, b) => (a < b ? -1 : 1));
    expect(Array.from({ length: set.count }, (_, i) => set.entryAt(i).needleId)).toEqual(expected);
  },
);

test('what a vacuum brought about is seen: the stale backup still has what its leader deleted', async () => {
  const [backup, leader] = await Promise.all(
    ['backup', 'leader'].map((side) =>
      openIdx(sourceOf(read(`evolution-lost_deletes-o5/01/${side}.idx`)), 5),
    ),
  );
  const found = await collect(differenceOfIndexes(backup!, leader!, { compare: 'size' }));
  expect(found.map((each) => [each.kind, each.kind === 'removed' && each.before.needleId])).toEqual([
    ['removed', 2n],
    ['removed', 4n],
  ]);
});

test('too many entries are refused', async () => {
  const idx = await open([{ needleId: 1n, offset: 8, sizeBytes: 1 }]);
  await expect(readLiveSet(idx, { maxEntries: 0 })).rejects.toMatchObject({ code: 'too-many-entries' });
});
