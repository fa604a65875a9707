import { type IdxEntry, TOMBSTONE_SIZE, writeNeedle } from '@holdfast/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createStampReader,
  openIdx,
  type SearchAnswer,
  searchAppendAtNs,
  summarizeOrder,
} from '../src/index.js';
import { goldenVolumes, idxBytes, list, manifest, read, sourceOf, sparseSource, volume } from './sources.js';

interface Written {
  readonly entry: IdxEntry;
  /** `undefined`: the entry has no record. */
  readonly stamp: bigint | undefined;
  readonly offset: number;
}

/** A `.dat` whose records carry these stamps in file order, and the entry of each. */
function records(stamps: readonly bigint[]): { dat: Uint8Array; written: Written[] } {
  const parts = stamps.map((appendAtNs, i) =>
    writeNeedle(
      {
        cookie: 1,
        needleId: BigInt(i + 1),
        data: i % 3 === 0 ? undefined : new Uint8Array(i % 40),
        appendAtNs,
      },
      3,
    ),
  );
  const dat = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 8));
  const written: Written[] = [];
  let offset = 8;
  for (const [i, part] of parts.entries()) {
    dat.set(part, offset);
    const sizeBytes = new DataView(part.buffer).getInt32(12);
    const entry = {
      needleId: BigInt(i + 1),
      offset,
      sizeBytes: sizeBytes === 0 && i % 2 === 0 ? TOMBSTONE_SIZE : sizeBytes,
    };
    written.push({ entry, stamp: stamps[i]!, offset });
    offset += part.length;
  }
  return { dat, written };
}

const tombstone: Written = {
  entry: { needleId: 99n, offset: 0, sizeBytes: TOMBSTONE_SIZE },
  stamp: undefined,
  offset: 0,
};
const pastEnd = (dat: Uint8Array): Written => ({
  entry: { needleId: 98n, offset: dat.length + 8 - (dat.length % 8), sizeBytes: 50 },
  stamp: undefined,
  offset: 0,
});

async function ask(
  dat: Uint8Array,
  written: readonly Written[],
  sinceNs: bigint,
): Promise<{ answer: SearchAnswer; datReads: number }> {
  const source = sourceOf(dat);
  const readStamp = createStampReader(source, 5, dat.length);
  const idx = await openIdx(sourceOf(idxBytes(written.map(({ entry }) => entry))), 5);
  const summary = await summarizeOrder(idx, readStamp);
  const before = source.reads.count;
  const answer = await searchAppendAtNs({ idx, summary, sinceNs, version: 3, readStamp });
  return { answer, datReads: source.reads.count - before };
}

/** What a reading of everything says of an answer: it names exactly the newer records, or there is none to name. */
function judge(answer: SearchAnswer, written: readonly Written[], sinceNs: bigint): void {
  const real = written.filter((each): each is Written & { stamp: bigint } => each.stamp !== undefined);
  const newer = real.filter(({ stamp }) => stamp > sinceNs).map(({ offset }) => offset);
  const isAppendOrdered = real.every(
    (each, i) => i === 0 || (each.stamp >= real[i - 1]!.stamp && each.offset >= real[i - 1]!.offset),
  );
  if (answer.kind === 'nothing-newer') expect(newer).toEqual([]);
  else if (answer.kind === 'found') {
    expect(newer.length).toBeGreaterThan(0);
    const sent = real.filter(({ offset }) => offset >= answer.offset).map(({ offset }) => offset);
    expect(new Set(sent)).toEqual(new Set(newer));
    expect(written[answer.entryIndex]!.offset).toBe(answer.offset);
  } else {
    expect(isAppendOrdered).toBe(false);
    expect(newer.length).toBeGreaterThan(0);
  }
}

const stamp = fc.bigInt(1n, 12n);

test('on any index: exactly the newer records, or no answer; always an answer where append order holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stamp, { maxLength: 14 }),
      fc.constantFrom('as-is', 'sorted', 'sorted-from-half'),
      fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 6 }),
      fc.option(fc.array(fc.nat(1000), { maxLength: 14 }), { nil: undefined }),
      fc.bigInt(0n, 13n),
      async (drawn, order, extras, shuffle, sinceNs) => {
        const ascending = (list: bigint[]) => list.sort((a, b) => Number(a - b));
        const half = Math.trunc(drawn.length / 2);
        const stamps =
          order === 'as-is'
            ? drawn
            : order === 'sorted'
              ? ascending([...drawn])
              : [...drawn.slice(0, half), ...ascending(drawn.slice(half))];
        const { dat, written } = records(stamps);
        const entries = [...written];
        if (shuffle !== undefined)
          entries.sort(
            (a, b) => (shuffle[Number(a.entry.needleId)] ?? 0) - (shuffle[Number(b.entry.needleId)] ?? 0),
          );
        for (const [at, isTombstone] of extras)
          entries.splice(at % (entries.length + 1), 0, isTombstone ? tombstone : pastEnd(dat));
        judge((await ask(dat, entries, sinceNs)).answer, entries, sinceNs);
      },
    ),
    { numRuns: 400 },
  );
});

describe('cases', () => {
  test('equal stamps: none of them is skipped, none is sent twice', async () => {
    const { dat, written } = records([5n, 5n, 5n, 6n, 6n]);
    expect((await ask(dat, written, 5n)).answer).toMatchObject({ kind: 'found', entryIndex: 3 });
    expect((await ask(dat, written, 4n)).answer).toMatchObject({ kind: 'found', entryIndex: 0, offset: 8 });
    expect((await ask(dat, written, 6n)).answer).toEqual({ kind: 'nothing-newer' });
  });

  test('falling stamps: inside the suffix, before it, before everything', async () => {
    const { dat, written } = records([30n, 10n, 20n, 31n, 32n]);
    expect((await ask(dat, written, 31n)).answer).toMatchObject({ kind: 'found', entryIndex: 4 });
    expect((await ask(dat, written, 30n)).answer).toMatchObject({ kind: 'found', entryIndex: 3 });
    expect((await ask(dat, written, 29n)).answer).toEqual({
      kind: 'not-answerable',
      reason: 'before-sorted-suffix',
    });
    expect((await ask(dat, written, 9n)).answer).toMatchObject({ kind: 'found', offset: 8 });
  });

  test('a key-sorted index over a .dat in time order has no sorted suffix until something is appended', async () => {
    const { dat, written } = records([1n, 2n, 3n, 4n]);
    const byKey = [written[2]!, written[0]!, written[1]!];
    expect((await ask(dat, byKey, 2n)).answer.kind).toBe('not-answerable');
    expect((await ask(dat, [...byKey, written[3]!], 3n)).answer).toMatchObject({
      kind: 'found',
      entryIndex: 3,
    });
  });

  test('runs of entries without a record, at the end and anywhere, are read over', async () => {
    const { dat, written } = records(Array.from({ length: 40 }, (_, i) => BigInt(i + 1)));
    const runs = [
      ...Array(3000).fill(tombstone),
      ...written.slice(0, 20),
      ...Array(3000).fill(tombstone),
      ...written.slice(20),
      ...Array(3000).fill(tombstone),
      ...Array(3000).fill(pastEnd(dat)),
    ] as Written[];
    for (const sinceNs of [0n, 1n, 19n, 20n, 38n, 39n, 40n]) {
      const { answer, datReads } = await ask(dat, runs, sinceNs);
      judge(answer, runs, sinceNs);
      expect(datReads).toBeLessThan(40);
    }
  });

  test('a search reads few records', async () => {
    const { dat, written } = records(Array.from({ length: 5000 }, (_, i) => BigInt(i)));
    const { answer, datReads } = await ask(dat, written, 1234n);
    expect(answer).toMatchObject({ kind: 'found', entryIndex: 1235 });
    expect(datReads).toBeLessThanOrEqual(2 * 14);
  });

  test('an entry whose record is not there: no answer', async () => {
    const { dat, written } = records([1n, 2n, 3n]);
    const wrong = { ...written[1]!, entry: { ...written[1]!.entry, needleId: 77n } };
    expect((await ask(dat, [written[0]!, wrong, written[2]!], 1n)).answer).toEqual({
      kind: 'not-answerable',
      reason: 'damaged-entry',
    });
  });

  test('no stamps in versions 1 and 2; an empty index; a summary of another index', async () => {
    const idx = await openIdx(sourceOf(new Uint8Array(0)), 5);
    const readStamp = createStampReader(sourceOf(new Uint8Array(8)), 5, 8);
    const summary = await summarizeOrder(idx, readStamp);
    const input = { idx, summary, sinceNs: 0n, readStamp };
    expect(await searchAppendAtNs({ ...input, version: 2 })).toEqual({
      kind: 'not-answerable',
      reason: 'no-stamps',
    });
    expect(await searchAppendAtNs({ ...input, version: 3 })).toEqual({ kind: 'nothing-newer' });
    await expect(
      searchAppendAtNs({ ...input, version: 3, summary: { ...summary, entryCount: 1 } }),
    ).rejects.toThrow(RangeError);
  });

  test('a summary that is kept up is the one made anew', async () => {
    const { dat, written } = records([3n, 1n, 2n, 2n, 9n, 8n]);
    const readStamp = createStampReader(sourceOf(dat), 5, dat.length);
    const bytes = idxBytes(written.map(({ entry }) => entry));
    const whole = await summarizeOrder(await openIdx(sourceOf(bytes), 5), readStamp);
    for (let count = 0; count <= written.length; count++) {
      const first = await summarizeOrder(
        await openIdx(sourceOf(bytes), 5, { sizeBytes: 17 * count }),
        readStamp,
      );
      expect(await summarizeOrder(await openIdx(sourceOf(bytes), 5), readStamp, { summary: first })).toEqual(
        whole,
      );
    }
    expect(whole).toMatchObject({
      suffixStartEntry: 5,
      greatestBeforeNs: 9n,
      greatestInSuffixNs: 8n,
      leastNs: 1n,
    });
  });
});

interface Since {
  readonly since: readonly { since_ns: string; length: number; firstOffset?: number }[];
}

test.each(goldenVolumes().filter(({ name }) => !/^version|makeup|nonmonotonic|vacuum/.test(name)))(
  '$name: where the real server starts',
  async ({ name, idx: bytes, dat, width }) => {
    const readStamp = createStampReader(sourceOf(dat), width, dat.length);
    const idx = await openIdx(sourceOf(bytes), width);
    const summary = await summarizeOrder(idx, readStamp);
    for (const { since_ns, length, firstOffset } of manifest<Since>(name).since) {
      const answer = await searchAppendAtNs({
        idx,
        summary,
        sinceNs: BigInt(since_ns),
        version: 3,
        readStamp,
      });
      if (answer.kind === 'not-answerable') expect(summary.suffixStartEntry).toBeGreaterThan(0);
      else expect(answer.kind === 'found' ? answer.offset : 0).toBe(length === 0 ? 0 : firstOffset);
    }
  },
);

test.each(list().filter((name) => name.startsWith('bad-offset0-tombstones')))(
  '%s: any time has its answer',
  async (name) => {
    const { idx: bytes, dat, width } = volume(name);
    const readStamp = createStampReader(sourceOf(dat), width, dat.length);
    const idx = await openIdx(sourceOf(bytes), width);
    const summary = await summarizeOrder(idx, readStamp);
    const written: Written[] = [];
    for (let i = 0; i < idx.entryCount; i++) {
      const entry = await idx.readEntry(i);
      const record = await readStamp(entry);
      expect(record).not.toBe('misfit');
      written.push(
        typeof record === 'string'
          ? { entry, stamp: undefined, offset: 0 }
          : { entry, stamp: record.appendAtNs, offset: record.offset },
      );
    }
    expect(written.some(({ stamp }) => stamp === undefined)).toBe(true);
    for (const { stamp } of written) {
      for (const sinceNs of stamp === undefined ? [0n] : [stamp - 1n, stamp]) {
        judge(await searchAppendAtNs({ idx, summary, sinceNs, version: 3, readStamp }), written, sinceNs);
      }
    }
  },
);

test('a deletion beyond 32 GiB is found where its 4-byte offset wrapped from', async () => {
  const { rebuild } = manifest<{ rebuild: { superBlockHex: string; tailOffset: string; datSize: string } }>(
    'far-offsets-sparse-o4',
  );
  const { idx: bytes } = volume('far-offsets-sparse-o4');
  const datSizeBytes = Number(rebuild.datSize);
  const tail = read('far-offsets-sparse-o4/700.dat.tail');
  const dat = sparseSource(datSizeBytes, [
    { at: 0, bytes: new Uint8Array(Buffer.from(rebuild.superBlockHex, 'hex')) },
    { at: Number(rebuild.tailOffset), bytes: tail },
  ]);
  const readStamp = createStampReader(dat, 4, datSizeBytes);
  const idx = await openIdx(sourceOf(bytes), 4);
  const last = await readStamp(await idx.readEntry(idx.entryCount - 1));
  expect(last).toMatchObject({ offset: 2 ** 35 + 8 });
  const summary = await summarizeOrder(idx, readStamp);
  expect(summary).toMatchObject({ misfitCount: 0, suffixStartEntry: 0, greatestOffset: 2 ** 35 + 8 });
  const sinceNs = summary.greatestInSuffixNs - 1n;
  expect(await searchAppendAtNs({ idx, summary, sinceNs, version: 3, readStamp })).toMatchObject({
    offset: 2 ** 35 + 8,
  });
});
