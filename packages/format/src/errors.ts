/**
 * Why bytes or text were refused. Codes are stable; messages are not.
 *
 * - `bad-super-block`: too short, unknown version, or a non-zero `extra` (format.md §2)
 * - `bad-replica-placement`, `bad-ttl`, `bad-file-id`, `bad-volume-name`, `bad-volume-info`, `bad-instant`: text or value of that noun
 * - `not-a-record`: the header is all zeros, and in version 3 the stamp is 0
 * - `bad-header`: a size that no record can have
 * - `too-large`: a record longer than the caller's limit
 * - `bad-length`: the bytes given are not as long as the record that their header tells
 * - `bad-body`: a field inside the body reaches past its end
 * - `bad-crc`: the data do not have the stored CRC in either encoding
 * - `truncated`: a stream or an entry ended inside a record
 */
export type FormatErrorCode =
  | 'bad-super-block'
  | 'bad-replica-placement'
  | 'bad-ttl'
  | 'bad-file-id'
  | 'bad-volume-name'
  | 'bad-volume-info'
  | 'bad-instant'
  | 'not-a-record'
  | 'bad-header'
  | 'too-large'
  | 'bad-length'
  | 'bad-body'
  | 'bad-crc'
  | 'truncated';

export interface FormatErrorDetails {
  /** Where in the file or in the given bytes. */
  readonly offset?: number | undefined;
  readonly expected?: string | number | bigint | undefined;
  readonly found?: string | number | bigint | undefined;
  readonly cause?: unknown;
}

/** Bytes or text that are not what the format says. Caller mistakes are `RangeError` and `TypeError` instead. */
export class FormatError extends Error {
  readonly code: FormatErrorCode;
  readonly offset: number | undefined;
  readonly expected: string | number | bigint | undefined;
  readonly found: string | number | bigint | undefined;

  constructor(code: FormatErrorCode, message: string, details: FormatErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FormatError';
    this.code = code;
    this.offset = details.offset;
    this.expected = details.expected;
    this.found = details.found;
  }
}
