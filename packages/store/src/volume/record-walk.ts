import {
  type Crc32c,
  FormatError,
  type FramedRecord,
  MAX_RECORD_BYTES,
  NeedleFramer,
  type Version,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';

const CHUNK_BYTES = 1 << 20;

export interface WalkOptions {
  readonly version: Version;
  /** A record's start. */
  readonly fromOffset: number;
  /** Where the content ends. */
  readonly toOffset: number;
  /** `records` keeps the bytes of each, memory for one record; `headers` is constant memory. */
  readonly collect: 'records' | 'headers';
  readonly crc32c: Crc32c;
  readonly signal?: AbortSignal | undefined;
}

/** Where no further record could be cut out of the bytes, and why: `truncated` for one that the end cuts short. */
export interface WalkStop {
  readonly offset: number;
  readonly cause: FormatError;
}

/** A walk over records, front to back. `stop` is known once `batches` is over: `undefined` if it came to the end. */
export interface RecordWalk {
  readonly batches: AsyncIterable<readonly FramedRecord[]>;
  readonly stop: WalkStop | undefined;
}

/** Records in [fromOffset, toOffset), in batches: no promise for each. A bad CRC does not stop the walk. */
export function walkRecords(dat: RandomAccess, options: WalkOptions): RecordWalk {
  let stop: WalkStop | undefined;
  async function* batches(): AsyncGenerator<readonly FramedRecord[]> {
    const { fromOffset, toOffset } = options;
    const framer = new NeedleFramer({
      version: options.version,
      startOffset: fromOffset,
      collect: options.collect,
      crc32c: options.crc32c,
      maxRecordBytes: Math.min(MAX_RECORD_BYTES, toOffset - fromOffset),
    });
    try {
      let offset = fromOffset;
      while (offset < toOffset) {
        options.signal?.throwIfAborted();
        const chunk = await dat.readAt(offset, Math.min(CHUNK_BYTES, toOffset - offset));
        if (chunk.length === 0) break;
        const records = framer.push(chunk);
        if (records.length > 0) yield records;
        offset += chunk.length;
      }
      framer.end();
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      stop = { offset: framer.boundaryOffset, cause: pastTheEnd(cause) };
    }
  }
  return {
    batches: batches(),
    get stop() {
      return stop;
    },
  };
}

/** No record is longer than what is left of the file: one that claims to be is cut short by its end. */
function pastTheEnd(cause: FormatError): FormatError {
  if (cause.code !== 'too-large') return cause;
  const { offset, expected, found } = cause;
  return new FormatError('truncated', 'a record that reaches past the end', {
    offset,
    expected,
    found,
    cause,
  });
}
