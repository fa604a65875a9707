import { type IdxEntry, TOMBSTONE_SIZE } from '@holdfast/format';
import { describe, expect, test } from 'vitest';
import { lastAppendEntry, openIdx, walkIdx } from '../src/index.js';
import { collect, goldenVolumes, idxBytes, sourceOf, volume } from './sources.js';

const entry = (needleId: number, offset: number, sizeBytes = 10): IdxEntry => ({
  needleId: BigInt(needleId),
  offset,
  sizeBytes,
});

test.each(goldenVolumes())('$name: one by one and in batches the same', async ({ idx, width }) => {
  const file = await openIdx(sourceOf(idx), width);
  const walked: IdxEntry[] = [];
  for await (const entries of walkIdx(sourceOf(idx), width)) {
    for (let i = 0; i < entries.count; i++) {
      expect((BigInt(entries.needleIdHighAt(i)) << 32n) + BigInt(entries.needleIdLowAt(i))).toBe(
        entries.needleIdAt(i),
      );
      walked.push(entries.entryAt(i));
    }
  }
  expect(walked).toHaveLength(file.entryCount);
  for (const [i, each] of walked.entries()) expect(await file.readEntry(i)).toEqual(each);
  expect(idxBytes(walked, width)).toEqual(idx);
});

describe('an index of many batches', () => {
  const many = Array.from({ length: 150_000 }, (_, i) => entry(i, 8 + 40 * i));
  const source = sourceOf(idxBytes(many));

  test('is walked in bounded reads, from and to any entry', async () => {
    const idx = await openIdx(source, 5);
    const batches = await collect(idx.walk({ fromEntry: 10, toEntry: 140_000 }));
    expect(batches.map(({ firstEntryIndex }) => firstEntryIndex)).toEqual([10, 65_546, 131_082]);
    expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(139_990);
    expect(batches[1]!.entryAt(4)).toEqual(many[65_550]);
  });

  test('a walk ends with its signal', async () => {
    const controller = new AbortController();
    const idx = await openIdx(source, 5);
    const walk = idx.walk({ signal: controller.signal });
    await walk.next();
    controller.abort(new Error('enough'));
    await expect(walk.next()).rejects.toThrow('enough');
  });

  test('of which only a committed length counts', async () => {
    const idx = await openIdx(source, 5, { sizeBytes: 17 * 3 });
    expect(idx.entryCount).toBe(3);
    await expect(idx.readEntry(3)).rejects.toThrow(RangeError);
    await expect(openIdx(source, 5, { sizeBytes: 17 * 150_001 })).rejects.toMatchObject({
      code: 'short-read',
    });
  });
});

test.each([
  'bad-idx-odd-size-minus7-o4',
  'bad-idx-odd-size-plus5-o4',
  'bad-idx-odd-size-minus7-o5',
  'bad-idx-odd-size-plus5-o5',
])('%s is refused', async (name) => {
  const { idx, width } = volume(name);
  await expect(openIdx(sourceOf(idx), width)).rejects.toMatchObject({ code: 'odd-size', found: idx.length });
});

test('a source that becomes shorter is an error', async () => {
  const bytes = idxBytes([entry(1, 8), entry(2, 48)]);
  const idx = await openIdx(
    { sizeBytes: async () => bytes.length, readAt: async (at, n) => bytes.slice(at, at + n - 1) },
    5,
  );
  await expect(idx.readEntry(1)).rejects.toMatchObject({ code: 'short-read', offset: 17 });
});

describe('last append entry', () => {
  const last = async (entries: IdxEntry[], datSizeBytes: number) =>
    lastAppendEntry(await openIdx(sourceOf(idxBytes(entries)), 5), { version: 3, datSizeBytes });

  test.each(goldenVolumes())('$name: its record ends the .dat', async ({ name, idx, dat, width }) => {
    const version = name.startsWith('version1')
      ? 1
      : name.startsWith('version2-l')
        ? 3
        : name.startsWith('version2')
          ? 2
          : 3;
    const found = await lastAppendEntry(await openIdx(sourceOf(idx), width), {
      version,
      datSizeBytes: dat.length,
    });
    const all = (await collect(walkIdx(sourceOf(idx), width))).flatMap((entries) =>
      Array.from({ length: entries.count }, (_, i) => entries.offsetAt(i)),
    );
    expect(found?.entry.offset).toBe(all.length === 0 ? undefined : Math.max(...all));
  });

  test('is found in key order, behind and among entries without a record, and is the later of two', async () => {
    expect(await last([entry(1, 88), entry(2, 8), entry(3, 48)], 128)).toMatchObject({ entryIndex: 0 });
    expect(await last([entry(1, 8), entry(2, 0, TOMBSTONE_SIZE)], 48)).toMatchObject({ entryIndex: 0 });
    expect(await last([entry(2, 0, TOMBSTONE_SIZE)], 48)).toBeUndefined();
    expect(await last([entry(1, 48), entry(1, 48), entry(2, 8)], 500)).toMatchObject({ entryIndex: 1 });
    expect(await last([], 8)).toBeUndefined();
  });

  test('where it ends the file, one read is enough', async () => {
    const source = sourceOf(idxBytes([entry(1, 8), entry(2, 56)]));
    const idx = await openIdx(source, 5);
    expect(await lastAppendEntry(idx, { version: 3, datSizeBytes: 56 + 40 })).toMatchObject({
      entryIndex: 1,
    });
    expect(source.reads.count).toBe(1);
  });
});
