import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const LAYOUT = 'format/src/record-layout.ts';
const IDX_ENTRY = 'format/src/idx-entry.ts';
const FRAMER = 'format/src/needle-framer.ts';
const NEEDLE_MAP = 'store/src/needle-map.ts';
const RESIDUES = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Records that end so many bytes behind a multiple of 8 are padded wrongly, all others rightly. */
const PADDING_BUGS = RESIDUES.map((residue) =>
  plantedBug(
    `padding-off-at-residue-${residue}`,
    1,
    residue === 0
      ? 'a record that ends aligned gets no padding'
      : `a record that ends ${residue} past a multiple of 8 is padded to the one after the next`,
    LAYOUT,
    '  return RECORD_ALIGNMENT_BYTES - (unpadded % RECORD_ALIGNMENT_BYTES);\n',
    `  const residue = unpadded % RECORD_ALIGNMENT_BYTES;
  return RECORD_ALIGNMENT_BYTES - residue + (residue === ${residue} ? ${residue === 0 ? -8 : 8} : 0);\n`,
  ),
);

/** Bytes and values. */
export const FORMAT_BUGS: readonly PlantedBug[] = huntedBy(
  ['format', 'index'],
  [
    ...PADDING_BUGS,
    plantedBug(
      'offsets-sign-extended',
      1,
      'an offset at or past 16 GiB is read as a negative one',
      IDX_ENTRY,
      '  const low = view.getUint32(at + OFFSET_AT);\n',
      '  const low = view.getInt32(at + OFFSET_AT);\n',
    ),
    plantedBug(
      'high-byte-of-offsets-sign-extended',
      1,
      'an offset at or past 4 TiB is read as a negative one',
      IDX_ENTRY,
      'view.getUint8(at + HIGH_BYTE_AT);',
      'view.getInt8(at + HIGH_BYTE_AT);',
    ),
    plantedBug(
      'offsets-by-32-bit-arithmetic',
      1,
      'offsets are put together by shifting',
      IDX_ENTRY,
      '  return (high * UNIT_WRAP + low) * RECORD_ALIGNMENT_BYTES;\n',
      '  return ((high * UNIT_WRAP + low) << 3) >>> 0;\n',
    ),
    plantedBug(
      'wrapped-offsets-not-looked-for',
      1,
      'a record past 32 GiB is looked for only where its 4-byte offset says',
      IDX_ENTRY,
      '  if (width === 4) {\n',
      '  if (width === 4 && datSizeBytes < 0) {\n',
    ),
    plantedBug(
      'tombstones-by-minus-one-alone',
      6,
      'a negative size that is not -1 is no deletion',
      IDX_ENTRY,
      'return entry.sizeBytes < 0 || entry.offset === 0;',
      'return entry.sizeBytes === TOMBSTONE_SIZE || entry.offset === 0;',
    ),
    plantedBug(
      'entries-without-record-are-live',
      6,
      'an entry with offset 0 and size 0 is a live empty needle',
      IDX_ENTRY,
      'return entry.sizeBytes < 0 || entry.offset === 0;',
      'return entry.sizeBytes < 0;',
    ),
    plantedBug(
      'stamped-zeros-taken-for-a-hole',
      6,
      'a record without data of needle 0 and cookie 0 is a hole, whatever its stamp says',
      'format/src/needle-header.ts',
      'sizeBytes === 0 && appendAtNs === 0n;',
      'sizeBytes === 0 && appendAtNs >= 0n;',
    ),
    plantedBug(
      'legacy-crc-refused',
      6,
      'records of old servers, whose CRC is encoded, are damaged',
      'format/src/crc32c.ts',
      'return storedCrc === rawCrc || storedCrc === legacyCrc(rawCrc);',
      'return storedCrc === rawCrc;',
    ),
    plantedBug(
      'tail-split-between-chunks',
      1,
      'the stamp of a record whose tail comes in two chunks is put together wrongly',
      FRAMER,
      'Math.max(0, from - shape.tailStart));',
      '0);',
    ),
    plantedBug(
      'crc-of-the-last-chunk',
      1,
      'the CRC of data that come in chunks is that of the last one',
      FRAMER,
      'this.#crc = this.#crc32c(data, this.#crc);',
      'this.#crc = this.#crc32c(data);',
    ),
    plantedBug(
      'needle-map-offsets-truncated',
      1,
      'the needle map keeps 32 bits of an offset',
      NEEDLE_MAP,
      '    chunk.unitsHigh[at] = Math.trunc(units / UNIT_WRAP);\n',
      '    chunk.unitsHigh[at] = 0;\n',
    ),
    plantedBug(
      'pool-offsets-truncated',
      1,
      'where the pool has a record is kept in 32 bits',
      'index/src/record-places.ts',
      '      highUnits[i] = ((source + 1) << 8) | Math.trunc(units / LOW_UNITS);\n',
      '      highUnits[i] = (source + 1) << 8;\n',
    ),
    plantedBug(
      'live-set-of-first-entries',
      6,
      'the first entry of a needle counts, not the last',
      'index/src/live-set.ts',
      'const isLast = k + 1 === order.length || !table.isSameNeedle(item, order[k + 1]!);',
      'const isLast = k === 0 || !table.isSameNeedle(item, order[k - 1]!);',
    ),
    plantedBug(
      'search-trusts-order',
      7,
      'a search by time takes a compacted index for sorted',
      'index/src/search.ts',
      "  if (sinceNs < summary.greatestBeforeNs) return { kind: 'not-answerable', reason: 'before-sorted-suffix' };\n",
      '',
    ),
  ],
);
