/**
 * What went wrong, for programs. Codes are stable; messages are not.
 *
 * - Of the disk: `not-found`, `exists`, `no-space`, `not-permitted`, `links-unsupported`, `disk-failed`.
 * - Of the directory: `locked` (another process works in it), `directory-served` (a volume server has run in it),
 *   `wrong-cluster` (it belongs to another cluster).
 * - Of a volume's files: `no-super-block`, `bad-super-block`, `unsupported-version`, `width-undecided`,
 *   `index-missing`, `index-odd-size`, `index-mismatch`, `corrupt` (with offset and, where known, needle).
 * - Of a generation: `position-damaged`, `position-moved`.
 * - Of one call: `read-only`, `needle-not-found`, `cookie-mismatch`, `too-large`, `volume-not-empty`,
 *   `compaction-state`, `closed`.
 */
export type StoreErrorCode =
  | 'not-found'
  | 'exists'
  | 'no-space'
  | 'not-permitted'
  | 'links-unsupported'
  | 'disk-failed'
  | 'locked'
  | 'directory-served'
  | 'wrong-cluster'
  | 'no-super-block'
  | 'bad-super-block'
  | 'unsupported-version'
  | 'width-undecided'
  | 'index-missing'
  | 'index-odd-size'
  | 'index-mismatch'
  | 'corrupt'
  | 'position-damaged'
  | 'position-moved'
  | 'read-only'
  | 'needle-not-found'
  | 'cookie-mismatch'
  | 'too-large'
  | 'volume-not-empty'
  | 'compaction-state'
  | 'closed';

/** What a caller can do: the same again later, make the thing anew from a source, or nothing without an operator. */
export type StoreRemedy = 'retry' | 'rebuild' | 'stop';

export interface StoreErrorDetails {
  readonly path?: string | undefined;
  /** Base name of the volume, such as `7` or `pictures_7`. */
  readonly volume?: string | undefined;
  /** Byte offset in the file at `path`. */
  readonly offset?: number | undefined;
  readonly needleId?: bigint | undefined;
  readonly expected?: string | number | bigint | undefined;
  readonly found?: string | number | bigint | undefined;
  /** Default: the code's own, see {@link remedyOf}. */
  readonly remedy?: StoreRemedy | undefined;
  readonly cause?: unknown;
}

const REMEDIES: Readonly<Record<StoreErrorCode, StoreRemedy>> = {
  'not-found': 'stop',
  exists: 'stop',
  'no-space': 'retry',
  'not-permitted': 'stop',
  'links-unsupported': 'stop',
  'disk-failed': 'stop',
  locked: 'retry',
  'directory-served': 'stop',
  'wrong-cluster': 'stop',
  'no-super-block': 'rebuild',
  'bad-super-block': 'rebuild',
  'unsupported-version': 'stop',
  'width-undecided': 'rebuild',
  'index-missing': 'rebuild',
  'index-odd-size': 'rebuild',
  'index-mismatch': 'rebuild',
  corrupt: 'rebuild',
  'position-damaged': 'rebuild',
  'position-moved': 'retry',
  'read-only': 'stop',
  'needle-not-found': 'stop',
  'cookie-mismatch': 'stop',
  'too-large': 'stop',
  'volume-not-empty': 'stop',
  'compaction-state': 'retry',
  closed: 'stop',
};

/** The remedy that a code has unless the error that carries it says otherwise. */
export function remedyOf(code: StoreErrorCode): StoreRemedy {
  return REMEDIES[code];
}

/** Every failure of this package but mistakes of the caller, which are `TypeError` or `RangeError`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly remedy: StoreRemedy;
  readonly path: string | undefined;
  readonly volume: string | undefined;
  readonly offset: number | undefined;
  readonly needleId: bigint | undefined;
  readonly expected: string | number | bigint | undefined;
  readonly found: string | number | bigint | undefined;

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy ?? REMEDIES[code];
    this.path = details.path;
    this.volume = details.volume;
    this.offset = details.offset;
    this.needleId = details.needleId;
    this.expected = details.expected;
    this.found = details.found;
  }
}

/** Whether `error` is a `StoreError`, and if codes are given, one of them. */
export function isStoreError(error: unknown, ...codes: readonly StoreErrorCode[]): error is StoreError {
  return error instanceof StoreError && (codes.length === 0 || codes.includes(error.code));
}
