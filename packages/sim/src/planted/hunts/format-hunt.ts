import {
  isCrcOf,
  isDeletion,
  NeedleFramer,
  offsetCandidates,
  parseIdxEntry,
  recordLengthBytes,
  writeIdxEntry,
  writeNeedle,
} from '@holdfast/format';
import { createSeededRandom } from '@holdfast/testkit';
import { createDice, type Dice } from '../../schedule/dice.js';
import { expectSame, type Hunt } from './hunt.js';
import {
  type PlainRecord,
  plainCrc,
  plainEntryBytes,
  plainLegacyCrc,
  plainRecord,
  plainRecordLength,
} from './plain-format.js';

const ORACLE = 'the plain format';
const VERSIONS = [1, 2, 3] as const;
const WRAP_BYTES = 2 ** 35;
/** What offsets of 5 bytes reach. */
const REACH_BYTES = 2 ** 43;

/** Bytes and values against the plain format: lengths, entries, checksums, and streams of records cut anywhere. */
export const formatHunt: Hunt = {
  name: 'format',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    checkLengths(dice);
    for (let i = 0; i < 4; i++) checkEntry(dice);
    checkDeletions(dice);
    checkStream(dice);
  },
};

function checkLengths(dice: Dice): void {
  const version = dice.oneOf(VERSIONS);
  const sizeBytes = dice.chance(0.5) ? dice.below(64) : dice.below(2 ** 31);
  expectSame(
    ORACLE,
    `a v${version} record of size ${sizeBytes}`,
    recordLengthBytes(version, sizeBytes),
    plainRecordLength(version, sizeBytes),
  );
  const data = dice.bytes(dice.below(40));
  const written = writeNeedle({ cookie: 1, needleId: 2n, data }, version);
  expectSame(
    ORACLE,
    `a v${version} record of ${data.length} bytes`,
    written.length,
    plainRecord(version, { cookie: 1, needleId: 2n, data, appendAtNs: 0n, crc: 0 }).length,
  );
}

function checkEntry(dice: Dice): void {
  const width = dice.oneOf([4, 5] as const);
  const offset = farOffset(dice, width === 4 ? WRAP_BYTES : REACH_BYTES);
  const entry = {
    needleId: BigInt(dice.below(2 ** 32)) << BigInt(dice.below(32)),
    offset,
    sizeBytes: dice.below(2 ** 31) - 2,
  };
  const bytes = plainEntryBytes(entry, width);
  expectSame(ORACLE, 'an entry written', [...writeIdxEntry(entry, width)], [...bytes]);
  expectSame(ORACLE, 'an entry read', parseIdxEntry(bytes, 0, width), entry);
  // A record that lies past 32 GiB is written lower by offsets of 4 bytes: it must be looked for where it is.
  const wraps = width === 4 ? dice.below(3) : 0;
  const isFound = offsetCandidates(offset, width, offset + wraps * WRAP_BYTES + 8).includes(
    offset + wraps * WRAP_BYTES,
  );
  if (offset > 0 || wraps > 0) expectSame(ORACLE, `the place ${wraps} wraps behind ${offset}`, isFound, true);
}

function checkDeletions(dice: Dice): void {
  const sizeBytes = dice.oneOf([-1, 0, 5, -(1 + dice.below(1000))]);
  const offset = dice.oneOf([0, 8, 4096]);
  expectSame(
    ORACLE,
    `whether ${sizeBytes} at ${offset} deletes`,
    isDeletion({ sizeBytes, offset }),
    sizeBytes < 0 || offset === 0,
  );
}

function checkStream(dice: Dice): void {
  const version = dice.oneOf(VERSIONS);
  const records = Array.from({ length: 1 + dice.below(5) }, () => randomRecord(dice, version));
  const encoded = records.map((record) => plainRecord(version, record));
  const framer = new NeedleFramer({ version, startOffset: 8, collect: 'headers' });
  const framed = chunksOf(joined(encoded), dice).flatMap((chunk) => framer.push(chunk));
  let offset = 8;
  const expected = records.map(({ needleId, cookie, data, appendAtNs, crc }, i) => {
    const { length: lengthBytes } = encoded[i]!;
    const raw = plainCrc(data);
    const isSound = data.length === 0 || crc === raw || crc === plainLegacyCrc(raw);
    offset += lengthBytes;
    return [
      offset - lengthBytes,
      lengthBytes,
      needleId,
      cookie,
      data.length,
      version === 3 ? appendAtNs : 0n,
      isSound,
    ];
  });
  const found = framed.map(
    ({ offset: start, lengthBytes, header, dataSizeBytes, appendAtNs, isCrcValid }) => [
      start,
      lengthBytes,
      header.needleId,
      header.cookie,
      dataSizeBytes,
      appendAtNs,
      isCrcValid,
    ],
  );
  expectSame(ORACLE, `a stream of v${version} records`, found, expected);
  const raw = plainCrc(records[0]!.data);
  expectSame(ORACLE, 'an encoded CRC', isCrcOf(plainLegacyCrc(raw), raw), true);
}

function randomRecord(dice: Dice, version: 1 | 2 | 3): PlainRecord {
  const appendAtNs = BigInt(1 + dice.below(2 ** 32 - 1)) << 20n;
  // Nothing but its stamp tells it from a hole.
  if (version === 3 && dice.chance(0.05))
    return { cookie: 0, needleId: 0n, data: new Uint8Array(0), appendAtNs, crc: 0 };
  const data = dice.bytes(dice.chance(0.2) ? 0 : 1 + dice.below(60));
  const raw = plainCrc(data);
  return {
    cookie: dice.below(2 ** 32),
    needleId: 1n + BigInt(dice.below(2 ** 32)),
    data,
    appendAtNs,
    crc: dice.chance(0.6) ? raw : dice.chance(0.5) ? plainLegacyCrc(raw) : dice.below(2 ** 32),
  };
}

export function farOffset(dice: Dice, limitBytes: number): number {
  const scale = dice.oneOf([2 ** 16, 2 ** 31, 2 ** 32, 2 ** 34, 2 ** 35, 2 ** 42, 2 ** 43]);
  const units = Math.floor((dice.below(2 ** 32) / 2 ** 32) * (Math.min(scale, limitBytes) / 8));
  return 8 * units;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function chunksOf(bytes: Uint8Array, dice: Dice): Uint8Array[] {
  const greatest = dice.oneOf([1, 7, 30, 1000]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + dice.below(greatest);
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}
