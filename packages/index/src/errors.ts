/**
 * Why an index was refused. Codes are stable; messages are not.
 *
 * - `odd-size`: the length is no multiple of the entry's: rebuild the index
 * - `short-read`: the source ended before its own length: retry, then rebuild
 * - `width-undecided`: nothing tells 4-byte offsets from 5-byte ones: ask the leader or the operator
 * - `width-disagrees`: the `.vif` says one width, the file's length allows only the other, and no record decides
 * - `too-many-entries`: more than the caller's limit
 */
export type IndexErrorCode =
  | 'odd-size'
  | 'short-read'
  | 'width-undecided'
  | 'width-disagrees'
  | 'too-many-entries';

export interface IndexErrorDetails {
  /** Byte offset in the `.idx`. */
  readonly offset?: number | undefined;
  readonly expected?: string | number | undefined;
  readonly found?: string | number | undefined;
}

/** An index that is not what it should be. What the source throws passes through as it is. */
export class IndexError extends Error {
  readonly code: IndexErrorCode;
  readonly offset: number | undefined;
  readonly expected: string | number | undefined;
  readonly found: string | number | undefined;

  constructor(code: IndexErrorCode, message: string, details: IndexErrorDetails = {}) {
    super(message);
    this.name = 'IndexError';
    this.code = code;
    this.offset = details.offset;
    this.expected = details.expected;
    this.found = details.found;
  }
}
