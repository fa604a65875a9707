/**
 * The format once more, written from docs/format.md as plainly as it can be and slowly: what the packages make of bytes
 * is held against this. Shares no code with them.
 */

export interface PlainEntry {
  readonly needleId: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The length of a whole record: header, body, CRC, in version 3 a stamp, and 1 to 8 bytes more to a multiple of 8. */
export function plainRecordLength(version: 1 | 2 | 3, sizeBytes: number): number {
  let length = 16 + sizeBytes + 4 + (version === 3 ? 8 : 0) + 1;
  while (length % 8 !== 0) length++;
  return length;
}

/** CRC-32C, bit by bit. */
export function plainCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** As servers before 3.09 stored it. */
export function plainLegacyCrc(crc: number): number {
  const rotated = (BigInt(crc) >> 15n) | ((BigInt(crc) << 17n) & 0xffffffffn);
  return Number((rotated + 0xa282ead8n) & 0xffffffffn);
}

export interface PlainRecord {
  readonly cookie: number;
  readonly needleId: bigint;
  readonly data: Uint8Array;
  readonly appendAtNs: bigint;
  /** As stored. */
  readonly crc: number;
}

/** A record with data and no other field, or of size 0. */
export function plainRecord(version: 1 | 2 | 3, record: PlainRecord): Uint8Array {
  const { data } = record;
  const sizeBytes = data.length === 0 ? 0 : version === 1 ? data.length : 4 + data.length + 1;
  const bytes = new Uint8Array(plainRecordLength(version, sizeBytes));
  const at = [
    ...bigEndian(BigInt(record.cookie), 4),
    ...bigEndian(record.needleId, 8),
    ...bigEndian(BigInt(sizeBytes), 4),
    ...(data.length === 0 || version === 1 ? [] : bigEndian(BigInt(data.length), 4)),
    ...data,
    ...(data.length === 0 || version === 1 ? [] : [0]),
    ...bigEndian(BigInt(record.crc), 4),
    ...(version === 3 ? bigEndian(record.appendAtNs, 8) : []),
  ];
  bytes.set(at);
  return bytes;
}

/** 8 bytes of id, 4 or 5 of the offset in units of 8, 4 of size: in an offset of 5 bytes the highest comes last. */
export function plainEntryBytes(entry: PlainEntry, width: 4 | 5): Uint8Array {
  const units = BigInt(entry.offset) / 8n;
  return Uint8Array.from([
    ...bigEndian(entry.needleId, 8),
    ...bigEndian(units % 0x100000000n, 4),
    ...(width === 5 ? bigEndian(units / 0x100000000n, 1) : []),
    ...bigEndian(BigInt.asUintN(32, BigInt(entry.sizeBytes)), 4),
  ]);
}

/** Which needles an index leaves live, and the last entry of each. */
export function plainLiveSet(entries: readonly PlainEntry[]): ReadonlyMap<bigint, PlainEntry> {
  const live = new Map<bigint, PlainEntry>();
  for (const entry of entries) {
    if (entry.offset > 0 && entry.sizeBytes >= 0) live.set(entry.needleId, entry);
    else live.delete(entry.needleId);
  }
  return live;
}

function bigEndian(value: bigint, lengthBytes: number): number[] {
  const bytes: number[] = [];
  for (let i = lengthBytes - 1; i >= 0; i--) bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
  return bytes;
}
