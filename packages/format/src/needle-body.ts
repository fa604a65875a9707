import { FormatError } from './errors.js';
import {
  DATA_SIZE_FIELD_BYTES,
  FLAGS_SIZE_BYTES,
  LAST_MODIFIED_SIZE_BYTES,
  MAX_MIME_BYTES,
  MAX_NAME_BYTES,
  MAX_PAIRS_BYTES,
  TTL_SIZE_BYTES,
} from './record-layout.js';
import { type Ttl, ttlFromBytes, writeTtl } from './ttl.js';

export const FLAG_COMPRESSED = 0x01;
export const FLAG_NAME = 0x02;
export const FLAG_MIME = 0x04;
export const FLAG_LAST_MODIFIED = 0x08;
export const FLAG_TTL = 0x10;
export const FLAG_PAIRS = 0x20;
export const FLAG_CHUNK_MANIFEST = 0x80;
const FIELD_FLAGS = FLAG_NAME | FLAG_MIME | FLAG_LAST_MODIFIED | FLAG_TTL | FLAG_PAIRS;

const LAST_MODIFIED_RANGE = 2 ** 40;

/** The body of a record of version 2 or 3, field by field (format.md §4). Byte fields are views of what was parsed. */
export interface NeedleBody {
  readonly data: Uint8Array;
  readonly flags: number;
  /** Mostly UTF-8, but any bytes may be stored. `undefined` where the body has none, which is not the same as empty. */
  readonly name: Uint8Array | undefined;
  readonly mime: Uint8Array | undefined;
  /** Unix seconds, of which 40 bits are stored. */
  readonly lastModifiedSeconds: number | undefined;
  readonly ttl: Ttl | undefined;
  /** JSON text, an object of strings. */
  readonly pairs: Uint8Array | undefined;
}

export const EMPTY_NEEDLE_BODY: NeedleBody = Object.freeze({
  data: new Uint8Array(0),
  flags: 0,
  name: undefined,
  mime: undefined,
  lastModifiedSeconds: undefined,
  ttl: undefined,
  pairs: undefined,
});

/**
 * Reads a body. It may end early between two fields, and bytes after the last one are passed over; a field that
 * reaches past the end is `bad-body`, with its offset in the body.
 */
export function parseNeedleBody(body: Uint8Array): NeedleBody {
  const end = body.length;
  let at = 0;
  const take = (lengthBytes: number): Uint8Array => {
    if (at + lengthBytes > end) {
      throw new FormatError('bad-body', `a field of ${lengthBytes} bytes at ${at} of a body of ${end}`, {
        offset: at,
        expected: lengthBytes,
        found: end - at,
      });
    }
    at += lengthBytes;
    return body.subarray(at - lengthBytes, at);
  };
  const data = take(bigEndian(take(DATA_SIZE_FIELD_BYTES)));
  const flags = at < end ? take(FLAGS_SIZE_BYTES)[0]! : 0;
  const has = (flag: number) => (flags & flag) !== 0 && at < end;
  return {
    data,
    flags,
    name: has(FLAG_NAME) ? take(take(1)[0]!) : undefined,
    mime: has(FLAG_MIME) ? take(take(1)[0]!) : undefined,
    lastModifiedSeconds: has(FLAG_LAST_MODIFIED) ? bigEndian(take(LAST_MODIFIED_SIZE_BYTES)) : undefined,
    ttl: has(FLAG_TTL) ? ttlFromBytes(take(TTL_SIZE_BYTES)) : undefined,
    pairs: has(FLAG_PAIRS) ? take(bigEndian(take(2))) : undefined,
  };
}

/** `flags` with the bits of fields set exactly as the fields are there. */
function flagsOfBody(body: Omit<NeedleBody, 'data'>): number {
  return (
    (body.flags & ~FIELD_FLAGS) |
    (body.name === undefined ? 0 : FLAG_NAME) |
    (body.mime === undefined ? 0 : FLAG_MIME) |
    (body.lastModifiedSeconds === undefined ? 0 : FLAG_LAST_MODIFIED) |
    (body.ttl === undefined ? 0 : FLAG_TTL) |
    (body.pairs === undefined ? 0 : FLAG_PAIRS)
  );
}

/** The length of the body as `writeNeedleBody` writes it; 0 where there is no data, because then nothing is kept. */
export function bodySizeBytes(body: NeedleBody): number {
  return bodySizeAround(body, body.data.length);
}

/** The same for data of any length, whatever `data` is. */
export function bodySizeAround(fields: Omit<NeedleBody, 'data'>, dataSizeBytes: number): number {
  if (dataSizeBytes === 0) return 0;
  let size = DATA_SIZE_FIELD_BYTES + dataSizeBytes + FLAGS_SIZE_BYTES;
  if (fields.name !== undefined) size += 1 + fields.name.length;
  if (fields.mime !== undefined) size += 1 + fields.mime.length;
  if (fields.lastModifiedSeconds !== undefined) size += LAST_MODIFIED_SIZE_BYTES;
  if (fields.ttl !== undefined) size += TTL_SIZE_BYTES;
  if (fields.pairs !== undefined) size += 2 + fields.pairs.length;
  return size;
}

/**
 * Writes the body into `into` at `at` and returns where it ends. The time's bits above 40 are lost, as on a server.
 * Throws `RangeError` for a field longer than its length can say, and for a negative or fractional time.
 */
export function writeNeedleBody(body: NeedleBody, into: Uint8Array, at: number): number {
  const { data } = body;
  if (data.length === 0) return at;
  putInteger(into, at, data.length, DATA_SIZE_FIELD_BYTES);
  into.set(data, at + DATA_SIZE_FIELD_BYTES);
  return writeNeedleFields(body, into, at + DATA_SIZE_FIELD_BYTES + data.length);
}

/** What follows the data: flags and the fields that are there. As `writeNeedleBody`. */
export function writeNeedleFields(body: Omit<NeedleBody, 'data'>, into: Uint8Array, at: number): number {
  let next = at;
  const put = (value: number, lengthBytes: number) => {
    putInteger(into, next, value, lengthBytes);
    next += lengthBytes;
  };
  const putField = (
    bytes: Uint8Array | undefined,
    lengthFieldBytes: number,
    maxBytes: number,
    what: string,
  ) => {
    if (bytes === undefined) return;
    if (bytes.length > maxBytes)
      throw new RangeError(`${what} of ${bytes.length} bytes, at most ${maxBytes} fit`);
    put(bytes.length, lengthFieldBytes);
    into.set(bytes, next);
    next += bytes.length;
  };

  put(flagsOfBody(body), FLAGS_SIZE_BYTES);
  putField(body.name, 1, MAX_NAME_BYTES, 'name');
  putField(body.mime, 1, MAX_MIME_BYTES, 'mime type');
  if (body.lastModifiedSeconds !== undefined) {
    put(storedSeconds(body.lastModifiedSeconds), LAST_MODIFIED_SIZE_BYTES);
  }
  if (body.ttl !== undefined) {
    writeTtl(body.ttl, into, next);
    next += TTL_SIZE_BYTES;
  }
  putField(body.pairs, 2, MAX_PAIRS_BYTES, 'pairs');
  return next;
}

function putInteger(into: Uint8Array, at: number, value: number, lengthBytes: number): void {
  let rest = value;
  for (let i = at + lengthBytes - 1; i >= at; i--) {
    into[i] = rest % 256;
    rest = Math.trunc(rest / 256);
  }
}

/** The 40 bits of a time that are stored. */
export function storedSeconds(lastModifiedSeconds: number): number {
  if (!Number.isSafeInteger(lastModifiedSeconds) || lastModifiedSeconds < 0) {
    throw new RangeError(`last modified ${lastModifiedSeconds} is not a whole number of seconds since 1970`);
  }
  return lastModifiedSeconds % LAST_MODIFIED_RANGE;
}

function bigEndian(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}
