import type { CrashKind, TearSizeBytes } from '@holdfast/testkit';

/** What survives of what was not synced. */
export interface CrashVariant {
  readonly name: string;
  readonly kind: CrashKind;
  /**
   * The same of the crash of the restart. A process that was killed has left what is seen and is not durable; the power
   * that fails while the next one works with it takes both.
   */
  readonly secondKind: CrashKind;
  readonly tearBytes: TearSizeBytes;
  /** The operation at which it crashes has been done by half: a write is short, a sync has lost pages. */
  readonly isHalfDone: boolean;
}

export const CRASH_VARIANTS: readonly CrashVariant[] = [
  { name: 'power, sectors of 512', kind: 'power', secondKind: 'power', tearBytes: 512, isHalfDone: false },
  { name: 'power, torn at 8', kind: 'power', secondKind: 'power', tearBytes: 8, isHalfDone: false },
  {
    name: 'nothing unsynced survives',
    kind: 'nothing',
    secondKind: 'nothing',
    tearBytes: 512,
    isHalfDone: false,
  },
  {
    name: 'everything survives',
    kind: 'everything',
    secondKind: 'everything',
    tearBytes: 512,
    isHalfDone: false,
  },
  { name: 'killed', kind: 'process', secondKind: 'nothing', tearBytes: 512, isHalfDone: false },
  {
    name: 'killed in the middle of the operation',
    kind: 'process',
    secondKind: 'power',
    tearBytes: 512,
    isHalfDone: true,
  },
  {
    name: 'power, in the middle of the operation',
    kind: 'power',
    secondKind: 'power',
    tearBytes: 8,
    isHalfDone: true,
  },
];
