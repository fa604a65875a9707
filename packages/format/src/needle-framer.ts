import { isCrcOf, crc32c as pureCrc32c } from './crc32c.js';
import { FormatError } from './errors.js';
import { isHole, type NeedleHeader, readNeedleHeader, SIZE_AT } from './needle-header.js';
import type { Crc32c } from './ports.js';
import {
  APPEND_AT_SIZE_BYTES,
  CRC_SIZE_BYTES,
  DATA_SIZE_FIELD_BYTES,
  MAX_SIZE_BYTES,
  NEEDLE_HEADER_SIZE_BYTES,
  RECORD_ALIGNMENT_BYTES,
  recordLengthBytes,
  tailSizeBytes,
  type Version,
} from './record-layout.js';

/** The longest record that the format can hold. */
export const MAX_RECORD_BYTES = recordLengthBytes(3, MAX_SIZE_BYTES);

/** One record found in the stream. */
export interface FramedRecord {
  /** Where it starts in the file. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly header: NeedleHeader;
  readonly dataSizeBytes: number;
  /** Raw CRC-32C of the data, as computed. */
  readonly crc: number;
  readonly storedCrc: number;
  /** Whether the two agree in either encoding; true where there are no data. What to do is the caller's to decide. */
  readonly isCrcValid: boolean;
  /** Unix nanoseconds; 0n in version 1 and 2. */
  readonly appendAtNs: bigint;
  /**
   * The whole record, with `collect: 'records'`. A view of the chunk where the record lies inside one, so good for as
   * long as the chunk is left alone.
   */
  readonly bytes?: Uint8Array;
}

export interface NeedleFramerOptions {
  readonly version: Version;
  /** Where in the file the first byte pushed stands: a record's start, a multiple of 8. */
  readonly startOffset: number;
  /** `records`: with their bytes, memory for one record; `headers`: without, constant memory. */
  readonly collect: 'records' | 'headers';
  /** Default: the one in plain JavaScript. */
  readonly crc32c?: Crc32c;
  /** Longer records are refused before anything is kept of them. Default `MAX_RECORD_BYTES`, what the format can hold. */
  readonly maxRecordBytes?: number;
}

/** Where the parts of one record are, relative to its start. */
interface RecordShape {
  readonly lengthBytes: number;
  readonly dataStart: number;
  readonly dataSizeBytes: number;
  readonly tailStart: number;
}

const HEAD_MAX_BYTES = NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_FIELD_BYTES;
const TAIL_MAX_BYTES = CRC_SIZE_BYTES + APPEND_AT_SIZE_BYTES;
const FIRST_ASSEMBLY_BYTES = 64 * 1024;

/**
 * Cuts an endless stream of chunks into records; it owns what is left over between them. However the stream is split,
 * the records are the same, and so is the error: it is thrown by the first `push` or `end` that has no record to
 * return before it. After an error every call throws it again.
 *
 * Errors: `not-a-record` (a header of zeros, in version 3 with a stamp of 0), `bad-header` (a size no record can have),
 * `too-large`; `end` inside a record: `truncated`. A bad CRC is no error, see `FramedRecord.isCrcValid`.
 */
export class NeedleFramer {
  readonly #version: Version;
  readonly #crc32c: Crc32c;
  readonly #keepsBytes: boolean;
  readonly #maxRecordBytes: number;

  #boundaryOffset: number;
  #failure: FormatError | undefined;

  /** Of the record in progress: bytes taken so far, its shape once its head is whole, and what must be kept of it. */
  #taken = 0;
  #shape: RecordShape | undefined;
  #crc = 0;
  readonly #head = new DataView(new ArrayBuffer(HEAD_MAX_BYTES));
  readonly #tail = new DataView(new ArrayBuffer(TAIL_MAX_BYTES));
  #assembly: Uint8Array | undefined;

  constructor(options: NeedleFramerOptions) {
    const { startOffset } = options;
    if (!Number.isSafeInteger(startOffset) || startOffset < 0 || startOffset % RECORD_ALIGNMENT_BYTES !== 0) {
      throw new RangeError(`start offset ${startOffset} is not a multiple of ${RECORD_ALIGNMENT_BYTES}`);
    }
    this.#version = options.version;
    this.#boundaryOffset = startOffset;
    this.#keepsBytes = options.collect === 'records';
    this.#crc32c = options.crc32c ?? pureCrc32c;
    this.#maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
  }

  /** The end of the last whole record: where a stream that is to go on must start. */
  get boundaryOffset(): number {
    return this.#boundaryOffset;
  }

  /** Bytes taken beyond `boundaryOffset`. */
  get pendingBytes(): number {
    return this.#taken;
  }

  /** How far the bytes must reach for the record in progress to be whole, as far as its head can tell by now. */
  get wantedOffset(): number {
    if (this.#taken === 0) return this.#boundaryOffset;
    const goal = this.#shape?.lengthBytes ?? headLengthBytes(this.#version, this.#head, this.#taken);
    return this.#boundaryOffset + goal;
  }

  /** Takes the next bytes of the stream and returns the records that they complete. */
  push(chunk: Uint8Array): FramedRecord[] {
    if (this.#failure !== undefined) throw this.#failure;
    const records: FramedRecord[] = [];
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    try {
      while (at < chunk.length) {
        const whole = this.#taken === 0 ? this.#wholeRecordAt(chunk, view, at) : undefined;
        if (whole !== undefined) {
          records.push(whole);
          at += whole.lengthBytes;
        } else {
          at = this.#takePart(chunk, at, records);
        }
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#failure = error;
      if (records.length === 0) throw error;
    }
    return records;
  }

  /** Says that the stream is over. Fails with `truncated` inside a record. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#taken === 0) return;
    throw new FormatError('truncated', `the stream ended ${this.#taken} bytes into a record`, {
      offset: this.#boundaryOffset,
      expected: this.#shape?.lengthBytes,
      found: this.#taken,
    });
  }

  /** The usual case: the record lies inside the chunk, and nothing is copied. */
  #wholeRecordAt(chunk: Uint8Array, view: DataView, at: number): FramedRecord | undefined {
    const available = chunk.length - at;
    const shape = this.#shapeOf(view, at, available);
    if (shape === undefined || available < shape.lengthBytes) return undefined;
    const dataStart = at + shape.dataStart;
    const crc =
      shape.dataSizeBytes === 0
        ? 0
        : this.#crc32c(chunk.subarray(dataStart, dataStart + shape.dataSizeBytes));
    const bytes = this.#keepsBytes ? chunk.subarray(at, at + shape.lengthBytes) : undefined;
    return this.#finish(shape, readNeedleHeader(view, at), crc, view, at + shape.tailStart, bytes);
  }

  /** Takes what the chunk has of one record that is not whole in it; returns where it stopped. */
  #takePart(chunk: Uint8Array, at: number, records: FramedRecord[]): number {
    const shape = this.#shape;
    const goal = shape?.lengthBytes ?? headLengthBytes(this.#version, this.#head, this.#taken);
    const end = Math.min(chunk.length, at + goal - this.#taken);
    this.#keep(chunk.subarray(at, end), shape);
    if (shape === undefined) {
      this.#shape = this.#shapeOf(this.#head, 0, this.#taken);
    } else if (this.#taken === shape.lengthBytes) {
      const bytes = this.#assembly?.subarray(0, shape.lengthBytes);
      records.push(this.#finish(shape, readNeedleHeader(this.#head, 0), this.#crc, this.#tail, 0, bytes));
      this.#assembly = undefined;
      this.#shape = undefined;
      this.#taken = 0;
      this.#crc = 0;
    }
    return end;
  }

  /** Keeps of the next `part` of the record what is needed: head, tail, the sum over the data, the bytes if asked for. */
  #keep(part: Uint8Array, shape: RecordShape | undefined): void {
    const from = this.#taken;
    this.#taken += part.length;
    if (this.#keepsBytes) this.#assemble(part, from, shape);
    if (shape === undefined) {
      new Uint8Array(this.#head.buffer).set(part, from);
      return;
    }
    const data = overlap(part, from, shape.dataStart, shape.dataSizeBytes);
    if (data.length > 0) this.#crc = this.#crc32c(data, this.#crc);
    const tail = overlap(part, from, shape.tailStart, tailSizeBytes(this.#version));
    if (tail.length > 0) new Uint8Array(this.#tail.buffer).set(tail, Math.max(0, from - shape.tailStart));
  }

  /** The buffer grows with what has arrived, not with what a header claims. */
  #assemble(part: Uint8Array, from: number, shape: RecordShape | undefined): void {
    const needed = from + part.length;
    let assembly = this.#assembly ?? new Uint8Array(HEAD_MAX_BYTES);
    if (assembly.length < needed) {
      const generous = Math.max(2 * needed, FIRST_ASSEMBLY_BYTES);
      const larger = new Uint8Array(Math.min(generous, shape?.lengthBytes ?? generous));
      larger.set(assembly.subarray(0, from));
      assembly = larger;
    }
    assembly.set(part, from);
    this.#assembly = assembly;
  }

  /** The shape of the record whose start is at `at`, `undefined` while too few of its bytes are there to tell. */
  #shapeOf(view: DataView, at: number, available: number): RecordShape | undefined {
    if (available < NEEDLE_HEADER_SIZE_BYTES) return undefined;
    const offset = this.#boundaryOffset;
    // In version 3 the stamp tells a record of key 0 and cookie 0 from a hole, once it is there.
    if (this.#version < 3 && isHole(readNeedleHeader(view, at), 0n)) throw zeroHeader(offset);
    const sizeBytes = view.getInt32(at + SIZE_AT);
    const fields = this.#version > 1 && sizeBytes !== 0;
    if (sizeBytes < (fields ? DATA_SIZE_FIELD_BYTES : 0)) {
      throw new FormatError('bad-header', `size ${sizeBytes} at ${offset}`, { offset, found: sizeBytes });
    }
    const lengthBytes = recordLengthBytes(this.#version, sizeBytes);
    if (lengthBytes > this.#maxRecordBytes) {
      throw new FormatError('too-large', `a record of ${lengthBytes} bytes at ${offset}`, {
        offset,
        expected: this.#maxRecordBytes,
        found: lengthBytes,
      });
    }
    if (fields && available < HEAD_MAX_BYTES) return undefined;
    const dataSizeBytes = fields ? view.getUint32(at + NEEDLE_HEADER_SIZE_BYTES) : sizeBytes;
    if (fields && dataSizeBytes > sizeBytes - DATA_SIZE_FIELD_BYTES) {
      throw new FormatError(
        'bad-header',
        `data of ${dataSizeBytes} bytes in a size of ${sizeBytes} at ${offset}`,
        {
          offset,
          expected: sizeBytes - DATA_SIZE_FIELD_BYTES,
          found: dataSizeBytes,
        },
      );
    }
    return {
      lengthBytes,
      dataStart: fields ? HEAD_MAX_BYTES : NEEDLE_HEADER_SIZE_BYTES,
      dataSizeBytes,
      tailStart: NEEDLE_HEADER_SIZE_BYTES + sizeBytes,
    };
  }

  #finish(
    shape: RecordShape,
    header: NeedleHeader,
    crc: number,
    tail: DataView,
    tailAt: number,
    bytes: Uint8Array | undefined,
  ): FramedRecord {
    const offset = this.#boundaryOffset;
    const { lengthBytes, dataSizeBytes } = shape;
    const appendAtNs = this.#version === 3 ? tail.getBigUint64(tailAt + CRC_SIZE_BYTES) : 0n;
    if (isHole(header, appendAtNs)) throw zeroHeader(offset);
    this.#boundaryOffset = offset + lengthBytes;
    const storedCrc = tail.getUint32(tailAt);
    const isCrcValid = dataSizeBytes === 0 || isCrcOf(storedCrc, crc);
    const record: { -readonly [K in keyof FramedRecord]: FramedRecord[K] } = {
      offset,
      lengthBytes,
      header,
      dataSizeBytes,
      crc,
      storedCrc,
      isCrcValid,
      appendAtNs,
    };
    if (bytes !== undefined) record.bytes = bytes;
    return record;
  }
}

function zeroHeader(offset: number): FormatError {
  return new FormatError('not-a-record', `a header of zeros at ${offset}`, { offset });
}

/** How many bytes the head needs, as far as those that are there can tell. */
function headLengthBytes(version: Version, head: DataView, taken: number): number {
  const needsDataSize = version > 1 && taken >= NEEDLE_HEADER_SIZE_BYTES && head.getInt32(SIZE_AT) > 0;
  return needsDataSize ? HEAD_MAX_BYTES : NEEDLE_HEADER_SIZE_BYTES;
}

/** The bytes of `part`, which starts at `from`, that fall into [start, start + lengthBytes). */
function overlap(part: Uint8Array, from: number, start: number, lengthBytes: number): Uint8Array {
  const first = Math.max(0, start - from);
  const last = Math.min(part.length, start + lengthBytes - from);
  return part.subarray(Math.min(first, part.length), Math.max(first, last));
}
