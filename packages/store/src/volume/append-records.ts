import {
  type IdxEntry,
  type NeedleContent,
  TOMBSTONE_SIZE,
  type Version,
  writeNeedle,
  writeNeedleEnds,
} from '@holdfast/format';
import type { DiskFile } from '../disk.js';
import { StoreError } from '../errors.js';
import type { StagedData } from './volume.js';

const PIECE_BYTES = 1 << 20;
/** Of the size in a record's header. */
const SIZE_AT = 12;

/** What a record is made from. */
export interface RecordToAppend {
  readonly content: NeedleContent & { readonly storedCrc: number };
  /** In the place of `content.data`. */
  readonly staged: StagedData | undefined;
  readonly isDelete: boolean;
}

/** A record as it will be, but for staged data. */
export interface EncodedRecord {
  readonly entry: IdxEntry;
  readonly lengthBytes: number;
  readonly crc: number;
  readonly appendAtNs: bigint;
  readonly head: Uint8Array;
  readonly staged: { readonly data: StagedData; readonly tail: Uint8Array } | undefined;
}

/** Throws `RangeError` for a field that does not fit. */
export function encodeRecord(
  { content, staged, isDelete }: RecordToAppend,
  offset: number,
  appendAtNs: bigint,
  version: Version,
): EncodedRecord {
  const { needleId, storedCrc: crc } = content;
  const stamped = { ...content, appendAtNs };
  if (staged !== undefined) {
    const { head, tail, sizeBytes } = writeNeedleEnds(stamped, staged.sizeBytes, version);
    const lengthBytes = head.length + staged.sizeBytes + tail.length;
    const entry = { needleId, offset, sizeBytes };
    return { entry, lengthBytes, crc, appendAtNs, head, staged: { data: staged, tail } };
  }
  const head = writeNeedle(stamped, version);
  const sizeBytes = isDelete ? TOMBSTONE_SIZE : new DataView(head.buffer).getInt32(SIZE_AT);
  const entry = { needleId, offset, sizeBytes };
  return { entry, lengthBytes: head.length, crc, appendAtNs, head, staged: undefined };
}

/** Writes the records one behind the other from `offset` on: short ones in one write, staged data in pieces. */
export async function appendRecords(
  dat: DiskFile,
  offset: number,
  records: readonly EncodedRecord[],
): Promise<void> {
  const [first] = records;
  if (records.length === 1 && first!.staged === undefined) return dat.writeAt(offset, first!.head);
  if (records.length === 1) return appendStaged(dat, offset, first!.head, first!.staged!);
  const bytes = new Uint8Array(records.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
  let filled = 0;
  for (const { head } of records) {
    bytes.set(head, filled);
    filled += head.length;
  }
  await dat.writeAt(offset, bytes);
}

async function appendStaged(
  dat: DiskFile,
  offset: number,
  head: Uint8Array,
  { data, tail }: { readonly data: StagedData; readonly tail: Uint8Array },
): Promise<void> {
  await dat.writeAt(offset, head);
  const start = offset + head.length;
  for (let at = 0; at < data.sizeBytes; at += PIECE_BYTES) {
    const lengthBytes = Math.min(PIECE_BYTES, data.sizeBytes - at);
    const piece = await data.source.readAt(at, lengthBytes);
    if (piece.length < lengthBytes) {
      throw new StoreError('disk-failed', `staged data end at ${at + piece.length}`, {
        expected: data.sizeBytes,
        found: at + piece.length,
      });
    }
    await dat.writeAt(start + at, piece);
  }
  await dat.writeAt(start + data.sizeBytes, tail);
}
