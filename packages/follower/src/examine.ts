import {
  type Crc32c,
  FormatError,
  type FramedRecord,
  NeedleFramer,
  recordLengthBytes,
  type Version,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';

const PIECE_BYTES = 1024 * 1024;

/** What an index entry says is at an offset. */
export interface ExpectedRecord {
  readonly offset: number;
  readonly needleId: bigint;
  /** The header's size: 0 for deletions and empty needles. */
  readonly sizeBytes: number;
}

export type Examination =
  | { readonly kind: 'sound'; readonly version: Version; readonly record: FramedRecord }
  | { readonly kind: 'bad'; readonly reason: string };

/**
 * Whether `dat` really has the record that an entry speaks of, in `declared` layout or in another one: a remount
 * changes the layout inside one file (format.md §2), and a label can be wrong from the start. No CRC tells the layout of
 * a record without data: another one counts only where it ends with the file.
 */
export async function examineRecord(
  dat: RandomAccess,
  expected: ExpectedRecord,
  declared: Version,
  endOffset: number,
  crc32c: Crc32c,
): Promise<Examination> {
  const layouts = [declared, ...([3, 2, 1] as const).filter((version) => version !== declared)];
  let reason: string | undefined;
  for (const version of layouts) {
    const end = expected.offset + recordLengthBytes(version, expected.sizeBytes);
    if (expected.sizeBytes === 0 && version !== declared && end !== endOffset) continue;
    const result = await examineAs(dat, expected, version, endOffset, crc32c);
    if (result.kind === 'sound') return result;
    reason ??= result.reason;
  }
  return { kind: 'bad', reason: reason ?? 'unreadable' };
}

async function examineAs(
  dat: RandomAccess,
  expected: ExpectedRecord,
  version: Version,
  endOffset: number,
  crc32c: Crc32c,
): Promise<Examination> {
  const end = expected.offset + recordLengthBytes(version, expected.sizeBytes);
  if (end > endOffset) return { kind: 'bad', reason: `it would end at ${end}, past ${endOffset}` };
  const framer = new NeedleFramer({ version, startOffset: expected.offset, collect: 'headers', crc32c });
  try {
    for (let at = expected.offset; at < end; at += PIECE_BYTES) {
      const [record] = framer.push(await dat.readAt(at, Math.min(PIECE_BYTES, end - at)));
      if (record !== undefined) return judge(record, expected, version);
    }
    framer.end();
    return { kind: 'bad', reason: 'it is not whole' };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: 'bad', reason: error.message };
  }
}

function judge(record: FramedRecord, expected: ExpectedRecord, version: Version): Examination {
  const { header } = record;
  if (header.needleId !== expected.needleId)
    return { kind: 'bad', reason: `its header names needle ${header.needleId}` };
  if (header.sizeBytes !== expected.sizeBytes)
    return {
      kind: 'bad',
      reason: `its header has size ${header.sizeBytes}, its entry ${expected.sizeBytes}`,
    };
  if (!record.isCrcValid) return { kind: 'bad', reason: 'its CRC is wrong' };
  return { kind: 'sound', version, record };
}
