import {
  type Crc32c,
  FormatError,
  NEEDLE_HEADER_SIZE_BYTES,
  type NeedleHeader,
  parseNeedleHeader,
  recordLengthBytes,
  type Version,
} from '@holdfast/format';
import { RpcError, type volumeServerPb } from '@holdfast/protocol';
import { isStoreError } from '@holdfast/store';
import type { StoredVolume } from '../needles/stored-volume.js';
import { parseRecord, uploadOfLongRecord } from './received-record.js';
import { createWritesInFlight } from './writes-in-flight.js';

type TailMessage = volumeServerPb.VolumeTailSenderResponse;

export interface ReceiveTailOptions {
  readonly volume: StoredVolume;
  readonly messages: AsyncGenerator<TailMessage, void>;
  /** Whether the source has an empty needle by that id now. */
  readonly isEmptyNeedle: (needleId: bigint) => Promise<boolean>;
  readonly crc32c: Crc32c;
  readonly limits: { readonly heldRecordBytes: number; readonly recordsInFlight: number };
}

/**
 * Writes what another copy of the volume has had, record by record, each checked. A record without data is a deletion
 * or an empty needle: a CRC in it says that it is the former, else the source is asked. Everything is durable when it
 * resolves. Fails with `FormatError` where a record is damaged, with `data-loss` where the stream ends inside one.
 */
export async function receiveTail(options: ReceiveTailOptions): Promise<void> {
  const { volume, messages, isEmptyNeedle, crc32c, limits } = options;
  const { heldRecordBytes, recordsInFlight } = limits;
  const writes = createWritesInFlight({ writes: recordsInFlight, bytes: 4 * heldRecordBytes });
  const write = (upload: Parameters<StoredVolume['write']>[0]) =>
    volume.write(upload, { checksCookie: false });

  async function takeEmpty(header: NeedleHeader, storedCrc: number): Promise<void> {
    const { needleId, cookie } = header;
    if (storedCrc !== 0) return writes.add(0, () => deleteNeedle(volume, header));
    // What the source says is of now: everything before has to be through.
    await writes.settled();
    if (await isEmptyNeedle(needleId))
      await write({ content: { needleId, cookie }, data: new Uint8Array(0) });
    else await deleteNeedle(volume, header);
  }

  async function takeRecord(first: TailMessage): Promise<void> {
    const version = versionOf(first);
    const header = headerOf(first);
    const lengthBytes = recordLengthBytes(version, header.sizeBytes);
    const body = bodyOf(first, messages);
    if (lengthBytes > heldRecordBytes) {
      await writes.settled();
      await write(uploadOfLongRecord(header, body, version, crc32c));
      return;
    }
    const record = await wholeRecord(first.needleHeader, body, lengthBytes);
    const { content, data, storedCrc } = parseRecord(record, version, crc32c);
    if (header.sizeBytes === 0) await takeEmpty(header, storedCrc);
    else await writes.add(lengthBytes, () => write({ content, data }));
  }

  for (;;) {
    const { done, value: message } = await messages.next();
    if (done) break;
    // Without a header it only says that the source lives.
    if (message.needleHeader.length > 0) await takeRecord(message);
  }
  await writes.settled();
}

async function deleteNeedle(volume: StoredVolume, { needleId, cookie }: NeedleHeader): Promise<void> {
  try {
    await volume.delete(needleId, { cookie });
  } catch (error) {
    if (isStoreError(error, 'needle-not-found')) return;
    if (!isStoreError(error, 'cookie-mismatch')) throw error;
    await volume.delete(needleId);
  }
}

function versionOf({ version }: TailMessage): Version {
  if (version === 1 || version === 2 || version === 3) return version;
  throw new FormatError('bad-header', `records of version ${version}`);
}

function headerOf({ needleHeader }: TailMessage): NeedleHeader {
  const isHeader = needleHeader.length === NEEDLE_HEADER_SIZE_BYTES;
  const header = isHeader ? parseNeedleHeader(needleHeader) : undefined;
  if (header !== undefined && header.sizeBytes >= 0) return header;
  throw new FormatError('bad-header', `a header of ${needleHeader.length} bytes, size ${header?.sizeBytes}`);
}

/** The parts of a body, from its first message to its last. */
async function* bodyOf(
  first: TailMessage,
  messages: AsyncGenerator<TailMessage, void>,
): AsyncGenerator<Uint8Array, void> {
  for (let message = first; ; ) {
    yield message.needleBody;
    if (message.isLastChunk) return;
    const next = await messages.next();
    if (next.done) throw new RpcError('data-loss', 'the stream ended inside a record');
    message = next.value;
    if (message.needleHeader.some((byte, i) => byte !== first.needleHeader[i]))
      throw new FormatError('bad-header', 'another record begins before the end of one');
  }
}

async function wholeRecord(
  header: Uint8Array,
  body: AsyncIterable<Uint8Array>,
  lengthBytes: number,
): Promise<Uint8Array> {
  const record = new Uint8Array(lengthBytes);
  record.set(header);
  let at = header.length;
  for await (const part of body) {
    if (at + part.length > lengthBytes)
      throw new FormatError('bad-length', `a record of ${lengthBytes} bytes and more`, {
        expected: lengthBytes,
      });
    record.set(part, at);
    at += part.length;
  }
  if (at === lengthBytes) return record;
  throw new FormatError('truncated', `${at} bytes of a record of ${lengthBytes}`, {
    expected: lengthBytes,
    found: at,
  });
}
