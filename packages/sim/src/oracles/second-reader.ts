/**
 * A second reader of volumes, written from docs/format.md alone: it shares no code with the packages that it judges,
 * and none with the servers that wrote the files.
 */
export interface ReadEntry {
  readonly key: bigint;
  readonly offset: number;
  readonly size: number;
}

export type OffsetWidth = 4 | 5;

/** The rows of an index, in file order. A length that is no multiple of a row throws. */
export function readIndexRows(idx: Uint8Array, width: OffsetWidth): ReadEntry[] {
  const rowSize = 12 + width;
  if (idx.length % rowSize !== 0) throw new Error(`an index of ${idx.length} bytes has no whole rows`);
  const view = new DataView(idx.buffer, idx.byteOffset, idx.length);
  const rows: ReadEntry[] = [];
  for (let at = 0; at < idx.length; at += rowSize) {
    const low = view.getUint32(at + 8);
    const high = width === 5 ? view.getUint8(at + 12) : 0;
    rows.push({
      key: view.getBigUint64(at),
      offset: (high * 0x1_0000_0000 + low) * 8,
      size: view.getInt32(at + 8 + width),
    });
  }
  return rows;
}

/** Key, cookie and data of what an index says is live. */
export interface ReadNeedle {
  readonly key: bigint;
  readonly cookie: number;
  readonly data: Uint8Array;
}

/** What a server would serve out of these two files. */
export function readLiveNeedles(
  dat: Uint8Array,
  idx: Uint8Array,
  width: OffsetWidth,
): Map<bigint, ReadNeedle> {
  const live = new Map<bigint, ReadEntry>();
  for (const row of readIndexRows(idx, width)) {
    if (row.offset === 0 || row.size < 0) live.delete(row.key);
    else live.set(row.key, row);
  }
  const version = dat[0];
  const needles = new Map<bigint, ReadNeedle>();
  for (const row of live.values()) needles.set(row.key, readNeedle(dat, row, version ?? 0));
  return needles;
}

function readNeedle(dat: Uint8Array, { key, offset, size }: ReadEntry, version: number): ReadNeedle {
  if (offset + recordLength(size, version) > dat.length)
    throw new Error(`needle ${key} at ${offset} ends behind the data`);
  const view = new DataView(dat.buffer, dat.byteOffset + offset, recordLength(size, version));
  if (view.getBigUint64(4) !== key)
    throw new Error(`at ${offset} is needle ${view.getBigUint64(4)}, not ${key}`);
  if (view.getUint32(12) !== size)
    throw new Error(`at ${offset} is a record of ${view.getUint32(12)}, not ${size}`);
  const cookie = view.getUint32(0);
  if (size === 0) return { key, cookie, data: new Uint8Array(0) };
  const [start, length] = version === 1 ? [16, size] : [20, view.getUint32(16)];
  if (start + length > 16 + size)
    throw new Error(`needle ${key} at ${offset}: data of ${length} in a body of ${size}`);
  const data = new Uint8Array(view.buffer, view.byteOffset + start, length);
  const stored = view.getUint32(16 + size);
  const raw = checksum(data);
  const legacy = ((((raw >>> 15) | (raw << 17)) >>> 0) + 0xa282ead8) >>> 0;
  if (stored !== raw && stored !== legacy)
    throw new Error(`needle ${key} at ${offset}: its checksum is wrong`);
  return { key, cookie, data };
}

function recordLength(size: number, version: number): number {
  const unpadded = 16 + size + 4 + (version === 3 ? 8 : 0);
  return unpadded + (8 - (unpadded % 8));
}

const POLYNOMIAL_REFLECTED = 0x82f63b78;

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? POLYNOMIAL_REFLECTED ^ (crc >>> 1) : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C, bit by bit as it is defined, by a table of bytes. */
function checksum(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let at = 0; at < data.length; at++) crc = TABLE[(crc ^ data[at]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The stamps of the records that an index speaks of from `fromOffset` on; only those of version 3 have one. */
export function readStamps(
  dat: Uint8Array,
  idx: Uint8Array,
  width: OffsetWidth,
  fromOffset: number,
): bigint[] {
  const view = new DataView(dat.buffer, dat.byteOffset, dat.length);
  return readIndexRows(idx, width)
    .filter(({ offset }) => offset > 0 && offset >= fromOffset)
    .map(({ offset }) => view.getBigUint64(offset + 16 + view.getUint32(offset + 12) + 4));
}

/** Whether `dat` and `idx` are `wholeDat` and `wholeIdx` cut between the same two records. */
export function isCut(
  cut: { readonly dat: Uint8Array; readonly idx: Uint8Array },
  whole: { readonly dat: Uint8Array; readonly idx: Uint8Array },
  width: OffsetWidth,
): boolean {
  if (!startsWith(whole.dat, cut.dat) || !startsWith(whole.idx, cut.idx)) return false;
  if (whole.idx.length === cut.idx.length) return true;
  const [next] = readIndexRows(whole.idx.subarray(cut.idx.length, cut.idx.length + 12 + width), width);
  // A row without a record of its own may stand on either side of the cut, and so may bytes that no row speaks of.
  return next !== undefined && (next.offset === 0 || next.offset >= cut.dat.length);
}

export function startsWith(whole: Uint8Array, part: Uint8Array): boolean {
  return part.length <= whole.length && Buffer.compare(whole.subarray(0, part.length), part) === 0;
}

/** How many needles an index says are live, those without data included. */
export function countLive(idx: Uint8Array, width: OffsetWidth): number {
  const live = new Set<bigint>();
  for (const { key, offset, size } of readIndexRows(idx, width)) {
    if (offset === 0 || size < 0) live.delete(key);
    else live.add(key);
  }
  return live.size;
}
