import {
  type IdxEntry,
  type OffsetWidthBytes,
  parseNeedleHeader,
  recordLengthBytes,
  recordSizeOfEntry,
  TOMBSTONE_SIZE,
  type Version,
  writeNeedle,
} from '@holdfast/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerFitsEntry, openIdx, proofByReading, type Tile, tileByIndex } from '../src/index.js';
import { goldenVolumes, idxBytes, manifest, read, sourceOf, sparseSource, volume } from './sources.js';

async function tile(
  idx: Uint8Array,
  dat: Uint8Array,
  {
    width = 5,
    version = 3,
    maxProofs,
  }: { width?: OffsetWidthBytes; version?: Version; maxProofs?: number } = {},
) {
  const source = sourceOf(dat);
  const limit = maxProofs === undefined ? {} : { maxProofs };
  const tiling = await tileByIndex(await openIdx(sourceOf(idx), width), {
    version,
    datSizeBytes: dat.length,
    prove: proofByReading(source),
    ...limit,
  });
  return { tiling, tiles: [...tiling.tiles()], proofs: source.reads.count };
}

function expectCover(tiles: readonly Tile[], datSizeBytes: number, fromOffset = 0): void {
  let offset = fromOffset;
  for (const [i, each] of tiles.entries()) {
    if (i > 0 || fromOffset === 0) expect(each.offset).toBe(offset);
    expect(each.lengthBytes).toBeGreaterThan(0);
    offset = each.offset + each.lengthBytes;
  }
  expect(offset).toBe(datSizeBytes);
}

const shape = (tiles: readonly Tile[]) => tiles.map((each) => [each.kind, each.offset, each.lengthBytes]);

/** Five records of 40 or 48 bytes behind a super block, and the entry of each. */
function sample(): { dat: Uint8Array; entries: IdxEntry[] } {
  const parts = [1, 2, 3, 4, 5].map((id) =>
    writeNeedle({ cookie: 1, needleId: BigInt(id), data: new Uint8Array(3 * id), appendAtNs: 1n }, 3),
  );
  const dat = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 8));
  const entries: IdxEntry[] = [];
  let offset = 8;
  for (const part of parts) {
    dat.set(part, offset);
    const { needleId, sizeBytes } = parseNeedleHeader(part);
    entries.push({ needleId, offset, sizeBytes });
    offset += part.length;
  }
  return { dat, entries };
}

describe.each(goldenVolumes())('$name', ({ name, idx, dat, width }) => {
  const version = name.startsWith('version1')
    ? 1
    : name.startsWith('version2') && !/vacuum/.test(name)
      ? 2
      : 3;

  test('the super block, then every record of the manifest, in its real layout', async () => {
    const { tiling, tiles, proofs } = await tile(idx, dat, { width, version });
    expectCover(tiles, dat.length);
    const { records } = manifest<{ records: { offset: number; end: number; key: string; size: number }[] }>(
      name,
    );
    expect(shape(tiles)).toEqual([
      ['gap', 0, 8],
      ...records.map(({ offset, end }) => ['record', offset, end - offset]),
    ]);
    for (const each of tiles) {
      if (each.kind !== 'record') continue;
      expect(headerFitsEntry(parseNeedleHeader(dat, each.offset), each.entry)).toBe(true);
      expect(recordLengthBytes(each.version, recordSizeOfEntry(each.entry.sizeBytes))).toBe(each.lengthBytes);
    }
    expect(tiling).toMatchObject({ misfitCount: 0, pastEndCount: 0 });
    expect(proofs).toBe(0);
  });
});

describe('what entries can do', () => {
  const { dat, entries } = sample();

  test('the order of entries does not matter, repeated ones count once, deletions without a record not at all', async () => {
    const shuffled = [3, 0, 4, 2, 1, 0, 3].map((i) => entries[i]!);
    shuffled.splice(2, 0, { needleId: 3n, offset: 0, sizeBytes: TOMBSTONE_SIZE });
    const { tiling, tiles } = await tile(idxBytes(shuffled), dat);
    expect(tiling.claimCount).toBe(5);
    expect(shape(tiles)).toEqual([
      ['gap', 0, 8],
      ...entries.map((entry) => ['record', entry.offset, recordLengthBytes(3, entry.sizeBytes)]),
    ]);
    expect(tiles[1]).toMatchObject({ entryIndex: 6, entry: entries[0] });
  });

  test('records without an entry are gaps, at the end too', async () => {
    const { tiles } = await tile(idxBytes([entries[1]!, entries[3]!]), dat);
    expectCover(tiles, dat.length);
    expect(tiles.map(({ kind }) => kind)).toEqual(['gap', 'record', 'gap', 'record', 'gap']);
    const empty = await tile(idxBytes([]), dat);
    expect(shape(empty.tiles)).toEqual([['gap', 0, dat.length]]);
  });

  test('entries past the end claim nothing, and are counted', async () => {
    const cut = dat.subarray(0, entries[4]!.offset + 16);
    const { tiling, tiles } = await tile(
      idxBytes([...entries, { needleId: 9n, offset: 8000, sizeBytes: 5 }]),
      cut,
    );
    expectCover(tiles, cut.length);
    expect(tiling.pastEndCount).toBe(2);
    expect(tiles.at(-1)).toEqual({ kind: 'gap', offset: entries[4]!.offset, lengthBytes: 16 });
  });

  test('a claim across others whose record is not there is dropped and named', async () => {
    const false_ = { needleId: 77n, offset: entries[1]!.offset, sizeBytes: 60 };
    const { tiling, tiles, proofs } = await tile(idxBytes([...entries, false_]), dat);
    expect(tiling).toMatchObject({ misfits: [false_], misfitCount: 1, claimCount: 5 });
    expect(shape(tiles)).toEqual(shape((await tile(idxBytes(entries), dat)).tiles));
    expect(proofs).toBeGreaterThan(1);
  });

  test('the same claim on both sides of a false one counts once', async () => {
    const false_ = { needleId: 77n, offset: entries[1]!.offset, sizeBytes: entries[1]!.sizeBytes };
    const { tiling } = await tile(idxBytes([entries[1]!, false_, entries[1]!]), dat);
    expect(tiling).toMatchObject({ misfitCount: 1, claimCount: 1 });
  });

  test('records that are both there and lie across one another are one damaged region', async () => {
    const inner = writeNeedle({ cookie: 1, needleId: 50n, data: new Uint8Array(4), appendAtNs: 1n }, 3);
    const data = new Uint8Array(4 + inner.length);
    data.set(inner, 4);
    const outer = writeNeedle({ cookie: 1, needleId: 49n, data, appendAtNs: 1n }, 3);
    const file = new Uint8Array(8 + outer.length);
    file.set(outer, 8);
    const entryOf = (needleId: bigint, record: Uint8Array, offset: number) => ({
      needleId,
      offset,
      sizeBytes: parseNeedleHeader(record).sizeBytes,
    });
    const both = [entryOf(49n, outer, 8), entryOf(50n, inner, 8 + 24)];
    const { tiles } = await tile(idxBytes(both), file);
    expect(tiles).toEqual([
      { kind: 'gap', offset: 0, lengthBytes: 8 },
      { kind: 'overlap', offset: 8, lengthBytes: outer.length, entries: both },
    ]);
  });

  test('proofs have an end', async () => {
    const wild = Array.from({ length: 50 }, (_, i) => ({
      needleId: BigInt(100 + i),
      offset: 8,
      sizeBytes: 100,
    }));
    const { tiling, tiles, proofs } = await tile(idxBytes(wild), dat, { maxProofs: 7 });
    expect(proofs).toBe(7);
    expect(tiling.misfitCount).toBe(7);
    expect(tiles[1]).toMatchObject({ kind: 'overlap' });
    expect(tiles[1]!.kind === 'overlap' && tiles[1]!.entries.length).toBe(16);
    expectCover(tiles, dat.length);
  });

  test('tiles from an offset on: a gap is cut there, a record stays whole', async () => {
    const { tiling, tiles } = await tile(idxBytes(entries), dat);
    expect([...tiling.tiles(3)][0]).toEqual({ kind: 'gap', offset: 3, lengthBytes: 5 });
    expect([...tiling.tiles(entries[2]!.offset)]).toEqual(tiles.slice(3));
    expect([...tiling.tiles(entries[2]!.offset + 8)]).toEqual(tiles.slice(3));
    expect([...tiling.tiles(dat.length)]).toEqual([]);
  });

  test('too many entries are refused before they are read', async () => {
    const source = sourceOf(idxBytes(entries));
    const idx = await openIdx(source, 5);
    const prove = async () => false;
    await expect(
      tileByIndex(idx, { version: 3, datSizeBytes: dat.length, prove, maxEntries: 4 }),
    ).rejects.toMatchObject({
      code: 'too-many-entries',
    });
    expect(source.reads.count).toBe(0);
  });
});

test('any entries at all: the tiles cover the file once, and no record tile crosses another', async () => {
  const { dat, entries } = sample();
  const wild = fc.record({
    needleId: fc.bigInt(0n, 6n),
    offset: fc.nat(40).map((units) => units * 8),
    sizeBytes: fc.integer({ min: -2, max: 120 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(wild, fc.constantFrom(...entries)), { maxLength: 20 }),
      fc.constantFrom(1, 2, 3) as fc.Arbitrary<Version>,
      fc.nat(dat.length),
      async (drawn, version, fromOffset) => {
        const { tiling, tiles } = await tile(idxBytes(drawn), dat, { version });
        expectCover(tiles, dat.length);
        expectCover([...tiling.tiles(fromOffset)], dat.length, fromOffset);
      },
    ),
    { numRuns: 300 },
  );
});

describe('damaged indexes', () => {
  test.each(['flip-idx-key', 'flip-idx-size', 'flip-idx-offset'])('%s', async (part) => {
    const { idx, dat, width } = volume(`bad-${part}-o5`);
    const { tiling, tiles } = await tile(idx, dat, { width });
    expectCover(tiles, dat.length);
    const unproved = tiles.filter(
      (each) => each.kind === 'record' && !headerFitsEntry(parseNeedleHeader(dat, each.offset), each.entry),
    );
    expect(unproved.length + tiling.misfitCount).toBe(1);
  });

  test('an index of another .dat: no claim is proved by accident', async () => {
    const { idx, dat, width } = volume('bad-compaction-only-cpx-with-marker-o5');
    const { tiles } = await tile(idx, dat, { width });
    expectCover(tiles, dat.length);
    const proved = tiles.filter(
      (each) => each.kind === 'record' && headerFitsEntry(parseNeedleHeader(dat, each.offset), each.entry),
    );
    expect(proved.length).toBeLessThan(3);
  });
});

test.each([
  ['far-offsets-sparse-o4', 4],
  ['far-offsets-sparse-o5', 5],
] as const)('%s: records beyond what 32 bits of bytes can say', async (name, width) => {
  const { rebuild } = manifest<{ rebuild: { superBlockHex: string; tailOffset: string; datSize: string } }>(
    name,
  );
  const datSizeBytes = Number(rebuild.datSize);
  const tailOffset = Number(rebuild.tailOffset);
  const dat = sparseSource(datSizeBytes, [
    { at: 0, bytes: new Uint8Array(Buffer.from(rebuild.superBlockHex, 'hex')) },
    { at: tailOffset, bytes: read(`${name}/700.dat.tail`) },
  ]);
  const idx = await openIdx(sourceOf(volume(name).idx), width);
  const tiling = await tileByIndex(idx, { version: 3, datSizeBytes, prove: proofByReading(dat) });
  const tiles = [...tiling.tiles()];
  expectCover(tiles, datSizeBytes);
  expect(tiling).toMatchObject({ pastEndCount: 0, misfitCount: 0 });
  const far = tiles.filter(({ offset }) => offset >= tailOffset);
  expect(far.length).toBeGreaterThan(3);
  for (const each of far) {
    if (each.kind !== 'record') continue;
    expect(headerFitsEntry(parseNeedleHeader(await dat.readAt(each.offset, 16)), each.entry)).toBe(true);
  }
  expect(tiles.at(-1)).toMatchObject({ kind: 'record' });
});
