import type { CrashKind, TearSizeBytes } from '@holdfast/testkit';

/** What survives of what was not synced. */
export interface CrashVariant {
  readonly name: string;
  readonly kind: CrashKind;
  readonly tearBytes: TearSizeBytes;
  /** The operation at which it crashes has been done by half: a write is short, a sync has lost pages. */
  readonly isHalfDone: boolean;
}

export const CRASH_VARIANTS: readonly CrashVariant[] = [
  { name: 'power, sectors of 512', kind: 'power', tearBytes: 512, isHalfDone: false },
  { name: 'power, torn at 8', kind: 'power', tearBytes: 8, isHalfDone: false },
  { name: 'nothing unsynced survives', kind: 'nothing', tearBytes: 512, isHalfDone: false },
  { name: 'everything survives', kind: 'everything', tearBytes: 512, isHalfDone: false },
  { name: 'killed', kind: 'process', tearBytes: 512, isHalfDone: false },
  { name: 'killed in the middle of the operation', kind: 'process', tearBytes: 512, isHalfDone: true },
  { name: 'power, in the middle of the operation', kind: 'power', tearBytes: 8, isHalfDone: true },
];
