import {
  CRC_SIZE_BYTES,
  type Crc32c,
  DATA_SIZE_FIELD_BYTES,
  EMPTY_NEEDLE_BODY,
  FLAG_CHUNK_MANIFEST,
  FLAG_COMPRESSED,
  FormatError,
  type IdxEntry,
  isCrcOf,
  NEEDLE_HEADER_SIZE_BYTES,
  type NeedleBody,
  type NeedleHeader,
  parseNeedleBody,
  parseNeedleHeader,
  tailSizeBytes,
  type Version,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import { StoreError } from './errors.js';
import type { Volume } from './volume/volume.js';

/** A live needle: its fields, and its data in pieces. */
export interface NeedleStream extends NeedleHeader, Omit<NeedleBody, 'data'> {
  readonly offset: number;
  /** Where the data begin in the file. */
  readonly dataOffset: number;
  readonly dataSizeBytes: number;
  /** The data are gzip as stored. */
  readonly isCompressed: boolean;
  readonly isChunkManifest: boolean;
  /** As in the record, in either of its two encodings (format.md §4). */
  readonly storedCrc: number;
  /** Unix nanoseconds; 0n in version 1 and 2. */
  readonly appendAtNs: bigint;
  /**
   * The data as stored, front to back; may be asked for again. Error `corrupt` behind the last piece where they do not
   * have their CRC.
   */
  data(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
}

/** What records are read from. */
export type ReadableRecords = Pick<Volume, 'name' | 'version' | 'readRange'>;

const PIECE_BYTES = 256 << 10;
const HEAD_BYTES = NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_FIELD_BYTES;
/** Name, mime type and pairs at their longest, and what stands around them. */
const MAX_FIELDS_BYTES = 128 << 10;

/**
 * Opens a needle that `entry` names, without reading its data: of those at most 256 KiB are held at once. Error `corrupt`
 * where the record is not there, or its fields do not fit into it.
 */
export async function openNeedleStream(
  volume: ReadableRecords,
  entry: IdxEntry,
  crc32c: Crc32c,
): Promise<NeedleStream> {
  const { version, name } = volume;
  const { offset, needleId } = entry;
  const damaged = (reason: string, cause?: unknown) => {
    const message = `volume ${name}: needle ${needleId.toString(16)} at ${offset}: ${reason}`;
    return new StoreError('corrupt', message, { volume: name, offset, needleId, cause });
  };
  const head = await volume.readRange(offset, HEAD_BYTES);
  if (head.length < HEAD_BYTES) throw damaged('the file ends inside it');
  const header = parseNeedleHeader(head);
  if (!headerFitsEntry(header, entry)) throw damaged('another record is there');

  const { startBytes, dataSizeBytes, fieldsBytes } = layOut(head, header.sizeBytes, version);
  if (fieldsBytes < 0 || fieldsBytes > MAX_FIELDS_BYTES) throw damaged('its data do not fit into it');
  const restBytes = fieldsBytes + tailSizeBytes(version);
  const rest = await volume.readRange(offset + startBytes + dataSizeBytes, restBytes);
  if (rest.length < restBytes) throw damaged('the file ends inside it');
  const { data: _none, ...fields } = parseFields(rest.subarray(0, fieldsBytes));
  const tail = new DataView(rest.buffer, rest.byteOffset + fieldsBytes);
  const storedCrc = tail.getUint32(0);

  return {
    ...header,
    ...fields,
    offset,
    dataOffset: offset + startBytes,
    dataSizeBytes,
    isCompressed: (fields.flags & FLAG_COMPRESSED) !== 0,
    isChunkManifest: (fields.flags & FLAG_CHUNK_MANIFEST) !== 0,
    storedCrc,
    appendAtNs: version === 3 ? tail.getBigUint64(CRC_SIZE_BYTES) : 0n,
    async *data(signal) {
      let crc = 0;
      for (let at = 0; at < dataSizeBytes; at += PIECE_BYTES) {
        signal?.throwIfAborted();
        const lengthBytes = Math.min(PIECE_BYTES, dataSizeBytes - at);
        const piece = await volume.readRange(offset + startBytes + at, lengthBytes);
        crc = crc32c(piece, crc);
        yield piece;
      }
      if (dataSizeBytes > 0 && !isCrcOf(storedCrc, crc)) throw damaged('its data do not have its CRC');
    },
  };

  function parseFields(bytes: Uint8Array): NeedleBody {
    if (bytes.length === 0) return EMPTY_NEEDLE_BODY;
    const body = new Uint8Array(DATA_SIZE_FIELD_BYTES + bytes.length);
    body.set(bytes, DATA_SIZE_FIELD_BYTES);
    try {
      return parseNeedleBody(body);
    } catch (cause) {
      if (cause instanceof FormatError) throw damaged(cause.message, cause);
      throw cause;
    }
  }
}

/** Where in the record the data begin, how long they are, and how many bytes of fields follow them. */
function layOut(head: Uint8Array, sizeBytes: number, version: Version) {
  if (sizeBytes === 0 || version === 1) {
    return { startBytes: NEEDLE_HEADER_SIZE_BYTES, dataSizeBytes: sizeBytes, fieldsBytes: 0 };
  }
  const dataSizeBytes = new DataView(head.buffer, head.byteOffset).getUint32(NEEDLE_HEADER_SIZE_BYTES);
  return {
    startBytes: HEAD_BYTES,
    dataSizeBytes,
    fieldsBytes: sizeBytes - DATA_SIZE_FIELD_BYTES - dataSizeBytes,
  };
}
