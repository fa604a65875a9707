/**
 * Records and index entries as a SeaweedFS server writes them (format.md §4, §5). Written here a second time on
 * purpose: a mistake in `@holdfast/format` cannot cancel itself out against this model.
 */
export interface StockNeedle {
  readonly needleId: bigint;
  readonly cookie: number;
  readonly data: Uint8Array;
  readonly name: string;
  readonly mime: string;
  readonly lastModifiedSeconds: number;
}

export type RecordVersion = 1 | 2 | 3;

const FLAG_NAME = 0x02;
const FLAG_MIME = 0x04;
const FLAG_LAST_MODIFIED = 0x08;

const HEADER_SIZE_BYTES = 16;
const CRC_SIZE_BYTES = 4;
const STAMP_SIZE_BYTES = 8;

const CRC_TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

export function stockCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

export function stockRecordLengthBytes(version: RecordVersion, sizeBytes: number): number {
  const tail = version === 3 ? CRC_SIZE_BYTES + STAMP_SIZE_BYTES : CRC_SIZE_BYTES;
  const unpadded = HEADER_SIZE_BYTES + sizeBytes + tail;
  return unpadded + 8 - (unpadded % 8);
}

function body(needle: StockNeedle, version: RecordVersion): Uint8Array {
  const { data } = needle;
  if (data.length === 0) return new Uint8Array(0);
  if (version === 1) return data;
  const name = new TextEncoder().encode(needle.name);
  const mime = new TextEncoder().encode(needle.mime);
  const bytes = new Uint8Array(4 + data.length + 1 + 1 + name.length + 1 + mime.length + 5);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(data, 4);
  let at = 4 + data.length;
  bytes[at++] = FLAG_NAME | FLAG_MIME | FLAG_LAST_MODIFIED;
  bytes[at++] = name.length;
  bytes.set(name, at);
  at += name.length;
  bytes[at++] = mime.length;
  bytes.set(mime, at);
  at += mime.length;
  view.setUint8(at, Math.floor(needle.lastModifiedSeconds / 2 ** 32) & 0xff);
  view.setUint32(at + 1, needle.lastModifiedSeconds >>> 0);
  return bytes;
}

function assemble(
  version: RecordVersion,
  header: { readonly cookie: number; readonly needleId: bigint },
  bodyBytes: Uint8Array,
  crc: number,
  appendAtNs: bigint,
): Uint8Array {
  const record = new Uint8Array(stockRecordLengthBytes(version, bodyBytes.length));
  const view = new DataView(record.buffer);
  view.setUint32(0, header.cookie);
  view.setBigUint64(4, header.needleId);
  view.setUint32(12, bodyBytes.length);
  record.set(bodyBytes, HEADER_SIZE_BYTES);
  let at = HEADER_SIZE_BYTES + bodyBytes.length;
  view.setUint32(at, crc);
  at += CRC_SIZE_BYTES;
  if (version === 3) {
    view.setBigUint64(at, appendAtNs);
    at += STAMP_SIZE_BYTES;
  }
  // The padding is what is left in the server's scratch buffer: here its first bytes are the header's size field.
  record.set(record.subarray(12, 16).subarray(0, record.length - at), at);
  return record;
}

export function stockPutRecord(needle: StockNeedle, version: RecordVersion, appendAtNs: bigint): Uint8Array {
  return assemble(
    version,
    needle,
    body(needle, version),
    needle.data.length === 0 ? 0 : stockCrc32c(needle.data),
    appendAtNs,
  );
}

export function stockTombstoneRecord(
  needleId: bigint,
  cookie: number,
  version: RecordVersion,
  crc: number,
  appendAtNs: bigint,
): Uint8Array {
  return assemble(version, { needleId, cookie }, new Uint8Array(0), crc, appendAtNs);
}

export interface StockEntry {
  readonly needleId: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
}

export function writeStockEntry(entry: StockEntry, offsetWidthBytes: 4 | 5): Uint8Array {
  const bytes = new Uint8Array(12 + offsetWidthBytes);
  const view = new DataView(bytes.buffer);
  const units = entry.offset / 8;
  view.setBigUint64(0, entry.needleId);
  view.setUint32(8, units % 2 ** 32);
  if (offsetWidthBytes === 5) bytes[12] = Math.floor(units / 2 ** 32);
  view.setInt32(8 + offsetWidthBytes, entry.sizeBytes);
  return bytes;
}

export function readStockEntries(idx: Uint8Array, offsetWidthBytes: 4 | 5): StockEntry[] {
  const view = new DataView(idx.buffer, idx.byteOffset, idx.byteLength);
  const entrySizeBytes = 12 + offsetWidthBytes;
  const entries: StockEntry[] = [];
  for (let at = 0; at + entrySizeBytes <= idx.length; at += entrySizeBytes) {
    const high = offsetWidthBytes === 5 ? idx[at + 12]! * 2 ** 32 : 0;
    entries.push({
      needleId: view.getBigUint64(at),
      offset: (view.getUint32(at + 8) + high) * 8,
      sizeBytes: view.getInt32(at + 8 + offsetWidthBytes),
    });
  }
  return entries;
}

/** The bytes of a record that a reader of the needle gets. */
export function stockRecordData(record: Uint8Array, version: RecordVersion): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const sizeBytes = view.getUint32(12);
  if (sizeBytes === 0) return new Uint8Array(0);
  if (version === 1) return record.subarray(HEADER_SIZE_BYTES, HEADER_SIZE_BYTES + sizeBytes);
  return record.subarray(HEADER_SIZE_BYTES + 4, HEADER_SIZE_BYTES + 4 + view.getUint32(HEADER_SIZE_BYTES));
}

export function stockRecordStamp(record: Uint8Array, version: RecordVersion): bigint {
  if (version !== 3) return 0n;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  if (record.length < HEADER_SIZE_BYTES || record.length < HEADER_SIZE_BYTES + view.getUint32(12) + 12)
    return 0n;
  return view.getBigUint64(HEADER_SIZE_BYTES + view.getUint32(12) + CRC_SIZE_BYTES);
}
