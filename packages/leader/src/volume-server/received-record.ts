import {
  type Crc32c,
  DATA_SIZE_FIELD_BYTES,
  FormatError,
  isCrcOf,
  NEEDLE_HEADER_SIZE_BYTES,
  type NeedleContent,
  type NeedleHeader,
  parseNeedle,
  parseNeedleBody,
  recordLengthBytes,
  tailSizeBytes,
  type Version,
} from '@holdfast/format';
import type { NeedleUpload } from '../needles/stored-volume.js';
import { createPieceReader } from './piece-reader.js';

/** Name, mime type and pairs at their longest, and what stands around them. */
const MAX_FIELDS_BYTES = 128 << 10;

/** A record of another server, as it is written here. */
export interface ReceivedRecord {
  readonly content: Omit<NeedleContent, 'data'>;
  readonly data: Uint8Array;
  /** As it stands in the record: of one without data that was a deletion it may be that of the deleted data. */
  readonly storedCrc: number;
}

/** Reads exactly one record, checked. Fails as `parseNeedle`. */
export function parseRecord(record: Uint8Array, version: Version, crc32c: Crc32c): ReceivedRecord {
  const { data, cookie, needleId, storedCrc, ...fields } = parseNeedle(record, version, { crc32c });
  const { flags, name, mime, lastModifiedSeconds, ttl, pairs } = fields;
  return {
    content: { cookie, needleId, flags, name, mime, lastModifiedSeconds, ttl, pairs },
    data,
    storedCrc,
  };
}

/**
 * A record with data whose body is too long to be held, as it comes: the data go on in pieces, the fields behind them
 * are read when these are through. Fails with `FormatError` where body and header disagree or the CRC is wrong.
 */
export function uploadOfLongRecord(
  { cookie, needleId, sizeBytes }: NeedleHeader,
  body: AsyncIterable<Uint8Array>,
  version: Version,
  crc32c: Crc32c,
): NeedleUpload {
  const headBytes = version === 1 ? 0 : DATA_SIZE_FIELD_BYTES;
  const bodyBytes = recordLengthBytes(version, sizeBytes) - NEEDLE_HEADER_SIZE_BYTES;
  const taken: Uint8Array[] = [];
  let crc = 0;

  async function* pieces(): AsyncGenerator<Uint8Array, void> {
    const reader = createPieceReader(body);
    const head = await reader.exactly(headBytes);
    const dataSizeBytes = version === 1 ? sizeBytes : new DataView(head.buffer, head.byteOffset).getUint32(0);
    const fieldsBytes = sizeBytes - headBytes - dataSizeBytes;
    if (fieldsBytes < 0 || fieldsBytes > MAX_FIELDS_BYTES)
      throw new FormatError('bad-header', `data of ${dataSizeBytes} bytes in a size of ${sizeBytes}`);
    for await (const piece of reader.pieces(dataSizeBytes)) {
      crc = crc32c(piece, crc);
      yield piece;
    }
    taken.push(await reader.exactly(bodyBytes - headBytes - dataSizeBytes));
    await reader.end();
  }

  function content(): Omit<NeedleContent, 'data'> {
    const rest = taken[0]!;
    const fieldsBytes = rest.length - (bodyBytes - sizeBytes);
    const storedCrc = new DataView(
      rest.buffer,
      rest.byteOffset + fieldsBytes,
      tailSizeBytes(version),
    ).getUint32(0);
    if (!isCrcOf(storedCrc, crc))
      throw new FormatError('bad-crc', `needle ${needleId.toString(16)}: its data do not have its CRC`);
    if (fieldsBytes === 0) return { cookie, needleId };
    const fields = new Uint8Array(DATA_SIZE_FIELD_BYTES + fieldsBytes);
    fields.set(rest.subarray(0, fieldsBytes), DATA_SIZE_FIELD_BYTES);
    const { data: _none, ...more } = parseNeedleBody(fields);
    return { cookie, needleId, ...more };
  }

  return { content, data: { pieces: pieces() } };
}
