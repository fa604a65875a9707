import { type OffsetWidthBytes, parseSuperBlock, type Version } from '@holdfast/format';
import {
  createRecordPlaceFinder,
  createStampReader,
  detectOffsetWidth,
  differenceOfIndexes,
  type IdxFile,
  lastAppendEntry,
  openIdx,
  proofByReading,
  type RandomAccess,
  readLiveSet,
  searchAppendAtNs,
  summarizeOrder,
  tileByIndex,
} from '@holdfast/index';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { goldenVolumes } from '../golden-volumes.js';
import { type ModelEntry, modelEntries, modelLive, modelRecord, modelRecordEnd } from '../index-model.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';

const VERSIONS_BY_BYTE: Readonly<Record<number, Version>> = { 1: 1, 2: 2 };
const LARGEST_DAT_BYTES = 1 << 14;

/**
 * An index with its data, both changed, opened, walked, searched, tiled and compared; each answer against a reading
 * as plain as can be.
 */
export const idx: FuzzTarget = {
  name: 'idx',
  share: 80,
  prepare() {
    const volumes = goldenVolumes().filter(({ files }) => files.get('dat')!.length <= LARGEST_DAT_BYTES);
    const pairs = volumes.map((volume) => ({
      width: volume.offsetWidthBytes,
      dat: volume.files.get('dat')!,
      idx: volume.files.get('idx') ?? new Uint8Array(0),
    }));
    const indexes = { 4: seedIndexes(pairs, 4), 5: seedIndexes(pairs, 5) };
    return {
      make(dice) {
        const pair = dice.pick(pairs);
        const entries = dice.once(4)
          ? pair.idx
          : mutate(dice, [pair.idx, pair.idx, dice.pick(indexes[pair.width])]);
        const dat = dice.once(2) ? pair.dat : mutate(dice, [pair.dat]);
        return packParts([Uint8Array.of(pair.width), entries, dat]);
      },
      async run(input, dice) {
        const [head, entries, dat] = unpackParts(input, 3) as [Uint8Array, Uint8Array, Uint8Array];
        await readIndex(entries, dat, head[0] === 4 ? 4 : 5, dice);
      },
    };
  },
};

function seedIndexes(
  pairs: readonly { width: OffsetWidthBytes; idx: Uint8Array }[],
  width: OffsetWidthBytes,
) {
  return pairs.filter((pair) => pair.width === width).map((pair) => pair.idx);
}

function sourceOf(bytes: Uint8Array): RandomAccess {
  return {
    sizeBytes: async () => bytes.length,
    readAt: async (offset, lengthBytes) => bytes.slice(offset, offset + lengthBytes),
  };
}

async function readIndex(
  bytes: Uint8Array,
  dat: Uint8Array,
  width: OffsetWidthBytes,
  dice: Dice,
): Promise<void> {
  const source = sourceOf(bytes);
  const file = await openIdx(source, width);
  const entries = modelEntries(bytes, width);
  expectThat(file.entryCount === entries.length, `${file.entryCount} entries`);
  const version = VERSIONS_BY_BYTE[dat[0] ?? 3] ?? 3;
  await walks(file, entries);
  await findsLast(file, entries, version, dat.length);
  await tiles(file, dat, version);
  await tellsLive(file, entries);
  await tellsDifferences(source, file, entries, dice);
  await searches(file, entries, dat, dice);
  await detectOffsetWidth({ idx: source, dat: sourceOf(dat), vifBytesOffset: dice.pick([undefined, 4, 5]) });
  if (dat.length > 0) parseSuperBlock(dat);
}

async function walks(file: IdxFile, entries: readonly ModelEntry[]): Promise<void> {
  let at = 0;
  for await (const batch of file.walk()) {
    for (let i = 0; i < batch.count; i++, at++) {
      const [found, expected] = [batch.entryAt(i), entries[at]!];
      expectThat(isSame(found, expected), `entry ${at}`);
    }
  }
  expectThat(at === entries.length, `${at} entries walked`);
}

function isSame(a: ModelEntry, b: ModelEntry): boolean {
  return a.needleId === b.needleId && a.offset === b.offset && a.sizeBytes === b.sizeBytes;
}

async function findsLast(
  file: IdxFile,
  entries: readonly ModelEntry[],
  version: Version,
  datSizeBytes: number,
): Promise<void> {
  const found = await lastAppendEntry(file, { version, datSizeBytes });
  const highest = entries.reduce((most, { offset }) => Math.max(most, offset), 0);
  if (found === undefined) return expectThat(highest === 0, 'no last entry though there are records');
  const entry = entries[found.entryIndex]!;
  expectThat(isSame(found.entry, entry), 'the last entry is none of the index');
  const endsThere = modelRecordEnd(entry, version) === datSizeBytes;
  expectThat(endsThere || entry.offset === highest, `the last entry lies at ${entry.offset}`);
}

/** Without gap or overlap from 0 to the end. */
async function tiles(file: IdxFile, dat: Uint8Array, version: Version): Promise<void> {
  const prove = proofByReading(sourceOf(dat));
  const tiling = await tileByIndex(file, { version, datSizeBytes: dat.length, prove });
  let at = 0;
  for (const tile of tiling.tiles()) {
    expectThat(tile.offset === at && tile.lengthBytes > 0, `a tile at ${tile.offset} behind ${at}`);
    at += tile.lengthBytes;
  }
  expectThat(at === dat.length, `tiles up to ${at} of ${dat.length}`);
}

async function tellsLive(file: IdxFile, entries: readonly ModelEntry[]): Promise<void> {
  const expected = [...modelLive(entries).values()].sort((a, b) => (a.needleId < b.needleId ? -1 : 1));
  const live = await readLiveSet(file);
  expectThat(live.count === expected.length, `${live.count} live needles, not ${expected.length}`);
  for (const [i, entry] of expected.entries()) expectThat(isSame(live.entryAt(i), entry), `live needle ${i}`);
}

/** From a beginning of the index to all of it. */
async function tellsDifferences(
  source: RandomAccess,
  file: IdxFile,
  entries: readonly ModelEntry[],
  dice: Dice,
): Promise<void> {
  const width = file.offsetWidthBytes;
  const count = dice.below(entries.length + 1);
  const before = modelLive(entries.slice(0, count));
  const after = modelLive(entries);
  const changes = new Map<bigint, string>();
  for (const [id, entry] of after) {
    const was = before.get(id);
    if (was === undefined) changes.set(id, 'added');
    else if (!isSame(was, entry)) changes.set(id, 'changed');
  }
  for (const id of before.keys()) if (!after.has(id)) changes.set(id, 'removed');
  const beginning = await openIdx(source, width, { sizeBytes: count * (12 + width) });
  for await (const difference of differenceOfIndexes(beginning, file)) {
    const { needleId } = difference.kind === 'removed' ? difference.before : difference.after;
    expectThat(changes.get(needleId) === difference.kind, `needle ${needleId} is told as ${difference.kind}`);
    changes.delete(needleId);
  }
  expectThat(changes.size === 0, `${changes.size} differences are not told`);
  const finder = await createRecordPlaceFinder(file);
  await finder.add(0, beginning);
  expectThat(finder.places.count <= count, 'more places than entries');
}

async function searches(
  file: IdxFile,
  entries: readonly ModelEntry[],
  dat: Uint8Array,
  dice: Dice,
): Promise<void> {
  const readStamp = createStampReader(sourceOf(dat), file.offsetWidthBytes, dat.length);
  const summary = await summarizeOrder(file, readStamp);
  const records = entries.map((entry) => modelRecord(entry, dat));
  const stamped = records.filter((record) => typeof record === 'object');
  expectThat(summary.misfitCount === records.filter((record) => record === 'misfit').length, 'misfits');
  const stamps = stamped.map(({ appendAtNs }) => appendAtNs);
  for (const near of [0n, ...stamps.slice(0, 3), dice.pick([...stamps, 5n])]) {
    const sinceNs = near + BigInt(dice.below(3) - 1);
    const answer = await searchAppendAtNs({ idx: file, summary, sinceNs, version: 3, readStamp });
    if (answer.kind === 'not-answerable') continue;
    const start = answer.kind === 'found' ? answer.offset : Number.POSITIVE_INFINITY;
    for (const { offset, appendAtNs } of stamped)
      expectThat(
        appendAtNs > sinceNs === offset >= start,
        `since ${sinceNs}: ${answer.kind} at ${start}, but a record at ${offset} is of ${appendAtNs}`,
      );
  }
}
