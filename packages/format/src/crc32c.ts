import type { Crc32c } from './ports.js';

/** The Castagnoli polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;
const LEGACY_DELTA = 0xa282ead8;

/**
 * Eight tables of 256 in one array: table k at 256·k moves a byte k more bytes through the register, so that eight
 * bytes of input cost eight lookups and no dependent shifts.
 */
function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!;
    tables[i] = tables[shorter & 0xff]! ^ (shorter >>> 8);
  }
  return tables;
}

const TABLES = /* @__PURE__ */ makeTables();

/** CRC-32C in plain JavaScript, eight bytes a step. For long inputs see `nativeCrc32c` of `@holdfast/format/node`. */
export const crc32c: Crc32c = (bytes, previous = 0) => {
  const tables = TABLES;
  const end = bytes.length;
  let crc = ~previous;
  let at = 0;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      tables[1792 + (crc & 0xff)]! ^
      tables[1536 + ((crc >>> 8) & 0xff)]! ^
      tables[1280 + ((crc >>> 16) & 0xff)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = tables[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
};

/**
 * The legacy encoding of a raw CRC: rotated right by 15 and moved by a constant. Servers before 3.09 stored it, and
 * gRPC fields named `crc` still carry it (format.md §4).
 */
export function legacyCrc(rawCrc: number): number {
  return (((rawCrc >>> 15) | (rawCrc << 17)) + LEGACY_DELTA) >>> 0;
}

/** The raw CRC that `legacyCrc` made `encodedCrc` from. */
export function rawCrcOfLegacy(encodedCrc: number): number {
  const rotated = (encodedCrc - LEGACY_DELTA) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

/** Whether `storedCrc` is `rawCrc` in either of its two valid encodings (format.md §4). */
export function isCrcOf(storedCrc: number, rawCrc: number): boolean {
  return storedCrc === rawCrc || storedCrc === legacyCrc(rawCrc);
}
