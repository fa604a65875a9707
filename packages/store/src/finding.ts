/**
 * What `verifyFiles` finds. Codes are stable; messages are not.
 *
 * - Of the data: `record-damaged`, `torn-tail` (a record cut short by the end), `missing-padding` (of the last
 *   record), `trailing-bytes` (that are no record).
 * - Of the index: `index-missing`, `index-odd-size`, `entry-past-end`, `entry-mismatch` (entry and record disagree),
 *   `unindexed-record`; as a note `entry-without-record`.
 * - Of the whole: `data-missing`, `super-block-damaged`, `unsupported-version`, `width-undecided`, `width-disagrees`
 *   (with the `.vif`), `index-mismatch`; as notes `version-label`, `volume-info`, `leftover-file`.
 */
export type FindingCode =
  | 'record-damaged'
  | 'torn-tail'
  | 'missing-padding'
  | 'trailing-bytes'
  | 'index-missing'
  | 'index-odd-size'
  | 'entry-past-end'
  | 'entry-mismatch'
  | 'entry-without-record'
  | 'unindexed-record'
  | 'data-missing'
  | 'super-block-damaged'
  | 'unsupported-version'
  | 'width-undecided'
  | 'width-disagrees'
  | 'index-mismatch'
  | 'version-label'
  | 'volume-info'
  | 'leftover-file';

export interface Finding {
  readonly code: FindingCode;
  /** A `note` costs no needle and no server minds it. */
  readonly severity: 'damage' | 'note';
  readonly path: string;
  /** In the `.dat`; in the `.idx` for `index-odd-size` and `entry-without-record`. `null` for whole files. */
  readonly offset: number | null;
  readonly needleId: bigint | null;
  readonly message: string;
}
