import { writeIdxEntry } from '@holdfast/format';
import {
  createRecordPlaceFinder,
  type IdxFile,
  openIdx,
  type RandomAccess,
  readLiveSet,
  searchAppendAtNs,
  summarizeOrder,
  tileByIndex,
} from '@holdfast/index';
import { NeedleMap } from '@holdfast/store';
import { createSeededRandom } from '@holdfast/testkit';
import { Violation } from '../../oracles/violation.js';
import { createDice, type Dice } from '../../schedule/dice.js';
import { farOffset, joined } from './format-hunt.js';
import { expectSame, type Hunt } from './hunt.js';
import { type PlainEntry, plainEntryBytes, plainLiveSet, plainRecordLength } from './plain-format.js';

const WRAP_BYTES = 2 ** 35;

/** Indexes against plain replays of them: live sets, needle maps, pool places, tilings, searches by time. */
export const indexHunt: Hunt = {
  name: 'index',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    const width = dice.oneOf([4, 5] as const);
    const entries = randomLog(dice, width);
    const idx = await openEntries(entries, width);
    await checkLiveSet(idx, entries);
    checkNeedleMap(entries);
    await checkPlaces(dice, entries);
    await checkTiling(dice);
    await checkSearch(dice);
  },
};

/** Needles that meet: put, overwritten, deleted in every way that an index says so, put again. */
function randomLog(dice: Dice, width: 4 | 5): PlainEntry[] {
  return Array.from({ length: 1 + dice.below(40) }, () => {
    const needleId = BigInt(1 + dice.below(8)) << BigInt(dice.oneOf([0, 31, 40]));
    const offset = 8 + farOffset(dice, width === 4 ? WRAP_BYTES : 2 ** 42);
    const kind = dice.below(100);
    if (kind < 50) return { needleId, offset, sizeBytes: 1 + dice.below(5000) };
    if (kind < 65) return { needleId, offset, sizeBytes: 0 };
    if (kind < 85) return { needleId, offset, sizeBytes: -1 };
    return { needleId, offset: kind < 92 ? 0 : offset, sizeBytes: kind < 95 ? -1 : -(1 + dice.below(5000)) };
  });
}

async function openEntries(entries: readonly PlainEntry[], width: 4 | 5): Promise<IdxFile> {
  return await openIdx(sourceOf(joined(entries.map((entry) => plainEntryBytes(entry, width)))), width);
}

function sourceOf(bytes: Uint8Array): RandomAccess {
  return {
    sizeBytes: async () => bytes.length,
    readAt: async (offset, lengthBytes) => bytes.subarray(offset, offset + lengthBytes),
  };
}

async function checkLiveSet(idx: IdxFile, entries: readonly PlainEntry[]): Promise<void> {
  const live = await readLiveSet(idx);
  const found = Array.from({ length: live.count }, (_, i) => live.entryAt(i));
  expectSame('the plain live set', 'live needles', found, sorted(plainLiveSet(entries)));
}

function sorted(live: ReadonlyMap<bigint, PlainEntry>): PlainEntry[] {
  return [...live.values()].sort((a, b) => (a.needleId < b.needleId ? -1 : 1));
}

function checkNeedleMap(entries: readonly PlainEntry[]): void {
  const map = new NeedleMap();
  for (const entry of entries) map.apply(entry);
  const live = plainLiveSet(entries);
  expectSame('the plain live set', 'needles of a map', [...map.liveByNeedleId()], sorted(live));
  expectSame('the plain live set', 'their number', map.liveCount, live.size);
  for (const { needleId } of entries) {
    const isThere = (map.get(needleId)?.sizeBytes ?? -1) >= 0;
    expectSame('the plain live set', `whether needle ${needleId} is there`, isThere, live.has(needleId));
  }
}

/** A pool that has every record of an index, elsewhere. */
async function checkPlaces(dice: Dice, entries: readonly PlainEntry[]): Promise<void> {
  const distinct = sorted(plainLiveSet(entries)).filter(({ sizeBytes }) => sizeBytes > 0);
  const inPool = distinct.map((entry) => ({ ...entry, offset: 8 + farOffset(dice, 2 ** 42) }));
  const finder = await createRecordPlaceFinder(await openEntries(distinct, 5));
  await finder.add(0, await openEntries(inPool, 5));
  for (const [i, { offset }] of inPool.entries())
    expectSame('the plain index', 'the place of a record in a pool', finder.places.placeOf(i), {
      source: 0,
      offset,
    });
}

/** Tiles cover a `.dat` without a gap, and each record has one where it is, also where a 4-byte offset has wrapped. */
async function checkTiling(dice: Dice): Promise<void> {
  const width = dice.oneOf([4, 5] as const);
  const records: PlainEntry[] = [];
  let offset = 8;
  for (let i = 1; i < 12; i++) {
    if (dice.chance(0.2)) offset += 8 * dice.below(9);
    // Only records without data lie where offsets of 4 bytes wrap.
    const isFar = offset >= WRAP_BYTES;
    const sizeBytes = width === 4 && isFar ? dice.oneOf([0, -1]) : dice.oneOf([0, -1, 1 + dice.below(100)]);
    records.push({ needleId: BigInt(i), offset, sizeBytes });
    offset += plainRecordLength(3, Math.max(0, sizeBytes));
    if (i === 6 && dice.chance(0.5)) offset = WRAP_BYTES + 8 * dice.below(1000);
  }
  const datSizeBytes = offset + (dice.chance(0.5) ? 8 * dice.below(6) : 0);
  const idx = await openIdx(sourceOf(joined(records.map((entry) => writeIdxEntry(entry, width)))), width);
  const prove = async ({ needleId, offset: at }: PlainEntry) => records[Number(needleId) - 1]?.offset === at;
  const tiling = await tileByIndex(idx, { version: 3, datSizeBytes, prove });
  let end = 0;
  const found: number[] = [];
  for (const tile of tiling.tiles()) {
    if (tile.offset !== end)
      throw new Violation('the cover of the plan', `a tile at ${end}`, `one at ${tile.offset}`);
    end = tile.offset + tile.lengthBytes;
    if (tile.kind === 'record') found.push(tile.offset);
  }
  expectSame('the cover of the plan', 'where it ends', end, datSizeBytes);
  expectSame(
    'the plain index',
    'where records are',
    found,
    records.map((record) => record.offset),
  );
}

/** A key-ordered head with old stamps and an append-ordered rest, as a vacuum leaves it. */
async function checkSearch(dice: Dice): Promise<void> {
  const stamps: bigint[] = [];
  let nowNs = 1000n;
  const head = dice.below(6);
  for (let i = 0; i < head + dice.below(10); i++) {
    nowNs += BigInt(dice.below(5));
    stamps.push(i < head ? 1000n + BigInt(dice.below(40)) : nowNs);
  }
  const entries = stamps.map((_, i) => ({ needleId: BigInt(i + 1), offset: 8 + 40 * i, sizeBytes: 5 }));
  const idx = await openEntries(entries, 5);
  const readStamp = async ({ offset }: PlainEntry) => ({ offset, appendAtNs: stamps[(offset - 8) / 40]! });
  const summary = await summarizeOrder(idx, readStamp);
  const sinceNs = 995n + BigInt(dice.below(70));
  const answer = await searchAppendAtNs({ idx, summary, sinceNs, version: 3, readStamp });
  if (answer.kind === 'not-answerable') return;
  const from = answer.kind === 'found' ? answer.offset : Number.POSITIVE_INFINITY;
  for (const [i, stamp] of stamps.entries())
    expectSame('all stamps', `whether ${stamp} is behind ${sinceNs}`, 8 + 40 * i >= from, stamp > sinceNs);
}
