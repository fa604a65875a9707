import { isCrcOf, crc32c as pureCrc32c } from './crc32c.js';
import { FormatError } from './errors.js';
import {
  bodySizeAround,
  EMPTY_NEEDLE_BODY,
  FLAG_CHUNK_MANIFEST,
  FLAG_COMPRESSED,
  type NeedleBody,
  parseNeedleBody,
  storedSeconds,
  writeNeedleBody,
  writeNeedleFields,
} from './needle-body.js';
import { isHole, type NeedleHeader, parseNeedleHeader, writeNeedleHeader } from './needle-header.js';
import type { Crc32c } from './ports.js';
import {
  APPEND_AT_SIZE_BYTES,
  CRC_SIZE_BYTES,
  DATA_SIZE_FIELD_BYTES,
  MAX_SIZE_BYTES,
  NEEDLE_HEADER_SIZE_BYTES,
  paddingLengthBytes,
  recordLengthBytes,
  tailSizeBytes,
  type Version,
} from './record-layout.js';

/**
 * One record, whole. A record of size 0 is a deletion or a live empty needle, which only the index tells apart
 * (format.md §4.3).
 */
export interface Needle extends NeedleHeader, NeedleBody {
  readonly dataSizeBytes: number;
  /** The data are gzip as stored. */
  readonly isCompressed: boolean;
  readonly isChunkManifest: boolean;
  /** Raw CRC-32C of `data` as computed, whichever encoding is stored; 0 where there are no data. */
  readonly crc: number;
  /** As in the record. In one of size 0 it may be the CRC of the data that were deleted (format.md §4.2). */
  readonly storedCrc: number;
  /** Whether `storedCrc` is `crc` in either encoding; true where there are no data: then it is not checked. */
  readonly isCrcValid: boolean;
  /** Unix nanoseconds; 0n in version 1 and 2. */
  readonly appendAtNs: bigint;
}

export interface ParseNeedleOptions {
  /** Default: the one in plain JavaScript. */
  readonly crc32c?: Crc32c;
  /** `report` gives a needle with `isCrcValid: false` instead of failing. Default `throw`. */
  readonly onBadCrc?: 'throw' | 'report';
}

/**
 * Reads exactly one record, header to padding. Byte fields are views of `record`. Fails with `not-a-record`,
 * `bad-header`, `bad-length`, `bad-body`, `bad-crc`, `truncated` (shorter than a header).
 */
export function parseNeedle(record: Uint8Array, version: Version, options: ParseNeedleOptions = {}): Needle {
  const header = parseNeedleHeader(record);
  assertRecord(record, header, version);
  const bodyEnd = NEEDLE_HEADER_SIZE_BYTES + header.sizeBytes;
  const body = bodyOf(record.subarray(NEEDLE_HEADER_SIZE_BYTES, bodyEnd), version);
  const tail = new DataView(record.buffer, record.byteOffset + bodyEnd, tailSizeBytes(version));
  const crc = (options.crc32c ?? pureCrc32c)(body.data);
  const storedCrc = tail.getUint32(0);
  const isCrcValid = body.data.length === 0 || isCrcOf(storedCrc, crc);
  if (!isCrcValid && options.onBadCrc !== 'report') {
    throw new FormatError('bad-crc', `needle ${header.needleId.toString(16)}: its data do not have its CRC`, {
      offset: bodyEnd,
      expected: storedCrc,
      found: crc,
    });
  }
  return {
    ...header,
    ...body,
    dataSizeBytes: body.data.length,
    isCompressed: (body.flags & FLAG_COMPRESSED) !== 0,
    isChunkManifest: (body.flags & FLAG_CHUNK_MANIFEST) !== 0,
    crc,
    storedCrc,
    isCrcValid,
    appendAtNs: version === 3 ? tail.getBigUint64(CRC_SIZE_BYTES) : 0n,
  };
}

function assertRecord(record: Uint8Array, header: NeedleHeader, version: Version): void {
  if (isHole(header, stampWithoutData(record, version))) {
    throw new FormatError('not-a-record', 'a header of zeros', { offset: 0 });
  }
  if (header.sizeBytes < 0) {
    throw new FormatError('bad-header', `negative size ${header.sizeBytes}`, {
      offset: 12,
      found: header.sizeBytes,
    });
  }
  const lengthBytes = recordLengthBytes(version, header.sizeBytes);
  if (record.length !== lengthBytes) {
    throw new FormatError('bad-length', `a record of ${lengthBytes} bytes in ${record.length}`, {
      expected: lengthBytes,
      found: record.length,
    });
  }
}

/** Where a record without data has its stamp; 0n in a version that has none, and where the bytes end before it. */
function stampWithoutData({ buffer, byteOffset, length }: Uint8Array, version: Version): bigint {
  const stampAt = NEEDLE_HEADER_SIZE_BYTES + CRC_SIZE_BYTES;
  if (version < 3 || length < stampAt + APPEND_AT_SIZE_BYTES) return 0n;
  return new DataView(buffer, byteOffset).getBigUint64(stampAt);
}

function bodyOf(body: Uint8Array, version: Version): NeedleBody {
  if (version === 1) return { ...EMPTY_NEEDLE_BODY, data: body };
  if (body.length === 0) return EMPTY_NEEDLE_BODY;
  return parseNeedleBody(body);
}

/** What a record is written from. Every `Needle` is one. */
export interface NeedleContent {
  readonly cookie: number;
  readonly needleId: bigint;
  /** Default none. Without data no other field of the body is kept. */
  readonly data?: Uint8Array | undefined;
  /** Only the bits that belong to no field count: compressed, chunk manifest. Default 0. */
  readonly flags?: number | undefined;
  /** A string is stored as UTF-8. `undefined` leaves the field out; uploads over HTTP store it even when empty. */
  readonly name?: Uint8Array | string | undefined;
  readonly mime?: Uint8Array | string | undefined;
  readonly lastModifiedSeconds?: number | undefined;
  readonly ttl?: NeedleBody['ttl'];
  readonly pairs?: Uint8Array | string | undefined;
  /** Version 3. Default 0n. */
  readonly appendAtNs?: bigint | undefined;
  /** Written as given. Default: the raw CRC of the data. */
  readonly storedCrc?: number | undefined;
}

export interface WriteNeedleOptions {
  readonly crc32c?: Crc32c;
  /** `go` (default): the bytes that the Go server leaves there; `zeros`: as the Rust one writes. Readers ignore them. */
  readonly padding?: 'go' | 'zeros';
}

/**
 * The record's bytes as the Go server writes them, padding included (format.md §4). Version 1 keeps only cookie, id
 * and data. Throws `RangeError` for a field that does not fit.
 */
export function writeNeedle(
  needle: NeedleContent,
  version: Version,
  options: WriteNeedleOptions = {},
): Uint8Array {
  const data = needle.data ?? EMPTY_NEEDLE_BODY.data;
  const fields = fieldsToWrite(needle);
  const sizeBytes = sizeToWrite(fields, data.length, version);
  const record = new Uint8Array(recordLengthBytes(version, sizeBytes));
  writeNeedleHeader({ cookie: needle.cookie, needleId: needle.needleId, sizeBytes }, record);
  if (version === 1) record.set(data, NEEDLE_HEADER_SIZE_BYTES);
  else writeNeedleBody({ ...fields, data }, record, NEEDLE_HEADER_SIZE_BYTES);
  const storedCrc = needle.storedCrc ?? (options.crc32c ?? pureCrc32c)(data);
  writeTail(needle, storedCrc, sizeBytes, version, record, NEEDLE_HEADER_SIZE_BYTES + sizeBytes, options);
  return record;
}

/** A record but for its data. */
export interface NeedleEnds {
  /** Everything before the data, and everything behind them. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** As in the header. */
  readonly sizeBytes: number;
}

/**
 * What `writeNeedle` writes around the data, for data that are too long to be held: at least one byte, and
 * `storedCrc` is theirs.
 */
export function writeNeedleEnds(
  needle: Omit<NeedleContent, 'data'> & { readonly storedCrc: number },
  dataSizeBytes: number,
  version: Version,
  options: Pick<WriteNeedleOptions, 'padding'> = {},
): NeedleEnds {
  if (dataSizeBytes < 1) throw new RangeError(`${dataSizeBytes} bytes of data, at least 1`);
  const fields = fieldsToWrite(needle);
  const sizeBytes = sizeToWrite(fields, dataSizeBytes, version);
  const headBytes = NEEDLE_HEADER_SIZE_BYTES + (version === 1 ? 0 : DATA_SIZE_FIELD_BYTES);
  const head = new Uint8Array(headBytes);
  writeNeedleHeader({ cookie: needle.cookie, needleId: needle.needleId, sizeBytes }, head);
  if (version > 1) new DataView(head.buffer).setUint32(NEEDLE_HEADER_SIZE_BYTES, dataSizeBytes);
  const tail = new Uint8Array(recordLengthBytes(version, sizeBytes) - headBytes - dataSizeBytes);
  const fieldsEnd = version === 1 ? 0 : writeNeedleFields(fields, tail, 0);
  writeTail(needle, needle.storedCrc, sizeBytes, version, tail, fieldsEnd, options);
  return { head, tail, sizeBytes };
}

function sizeToWrite(fields: Omit<NeedleBody, 'data'>, dataSizeBytes: number, version: Version): number {
  const sizeBytes = version === 1 ? dataSizeBytes : bodySizeAround(fields, dataSizeBytes);
  if (sizeBytes > MAX_SIZE_BYTES)
    throw new RangeError(`a record of size ${sizeBytes}, at most ${MAX_SIZE_BYTES}`);
  return sizeBytes;
}

function fieldsToWrite(needle: NeedleContent): Omit<NeedleBody, 'data'> {
  return {
    flags: needle.flags ?? 0,
    name: bytesOf(needle.name),
    mime: bytesOf(needle.mime),
    lastModifiedSeconds: needle.lastModifiedSeconds,
    ttl: needle.ttl,
    pairs: bytesOf(needle.pairs),
  };
}

function bytesOf(value: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

/** CRC, stamp and padding, at `at` of `into`, whose end is the record's. */
function writeTail(
  needle: NeedleContent,
  storedCrc: number,
  sizeBytes: number,
  version: Version,
  into: Uint8Array,
  at: number,
  options: Pick<WriteNeedleOptions, 'padding'>,
): void {
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  view.setUint32(at, storedCrc);
  if (version === 3) view.setBigUint64(at + CRC_SIZE_BYTES, needle.appendAtNs ?? 0n);
  if (options.padding === 'zeros') return;
  const lengthBytes = paddingLengthBytes(version, sizeBytes);
  into.set(goPadding(needle, sizeBytes, version).subarray(0, lengthBytes), into.length - lengthBytes);
}

/**
 * Eight bytes of which the padding is a prefix: what the Go server's scratch buffer still holds from the fields that
 * went through it last (format.md §4).
 */
function goPadding(needle: NeedleContent, sizeBytes: number, version: Version): Uint8Array {
  const padding = new Uint8Array(8);
  const view = new DataView(padding.buffer);
  if (version === 3) {
    view.setUint32(0, sizeBytes);
    return padding;
  }
  view.setBigUint64(0, needle.needleId);
  if (version === 2 && sizeBytes > 0 && needle.lastModifiedSeconds !== undefined) {
    view.setUint32(0, storedSeconds(needle.lastModifiedSeconds));
  }
  return padding;
}
