import type { IdxFile } from './idx-file.js';
import type { StampedRecord, StampReader } from './stamp-reader.js';

/**
 * What is known of the order of an index of version 3: a compacted one is a key-ordered head and an append-ordered
 * rest. In the *sorted suffix* stamps do not fall and offsets do not either, and no record before it lies behind its
 * first one: there, a position in time is a position in the file.
 */
export interface OrderSummary {
  /** The entries that the summary covers, from the first. */
  readonly entryCount: number;
  /** Index of the suffix' first entry; `entryCount` where it is empty. */
  readonly suffixStartEntry: number;
  /** The greatest stamp before the suffix, 0n where there is none. */
  readonly greatestBeforeNs: bigint;
  /** The greatest, that is the last, stamp in the suffix, 0n where there is none. */
  readonly greatestInSuffixNs: bigint;
  /** The least stamp of all; `undefined` without records. */
  readonly leastNs: bigint | undefined;
  /** The first record in the `.dat` that has an entry. */
  readonly lowest: { readonly entryIndex: number; readonly offset: number } | undefined;
  readonly greatestOffset: number;
  /** Entries that point at something else than their record: of those no stamp is known. */
  readonly misfitCount: number;
}

export const EMPTY_ORDER_SUMMARY: OrderSummary = Object.freeze({
  entryCount: 0,
  suffixStartEntry: 0,
  greatestBeforeNs: 0n,
  greatestInSuffixNs: 0n,
  leastNs: undefined,
  lowest: undefined,
  greatestOffset: 0,
  misfitCount: 0,
});

/** The summary with one more entry: constant work, so it is kept up with each append. */
export function extendOrderSummary(
  summary: OrderSummary,
  record: StampedRecord | 'no-record' | 'misfit',
): OrderSummary {
  const entryIndex = summary.entryCount;
  const entryCount = entryIndex + 1;
  if (record === 'no-record') return { ...summary, entryCount };
  if (record === 'misfit') return { ...summary, entryCount, misfitCount: summary.misfitCount + 1 };

  const { offset, appendAtNs } = record;
  const extended = {
    ...summary,
    entryCount,
    leastNs: summary.leastNs === undefined || appendAtNs < summary.leastNs ? appendAtNs : summary.leastNs,
    lowest:
      summary.lowest === undefined || offset < summary.lowest.offset
        ? { entryIndex, offset }
        : summary.lowest,
    greatestOffset: Math.max(offset, summary.greatestOffset),
  };
  if (offset < summary.greatestOffset) {
    return {
      ...extended,
      suffixStartEntry: entryCount,
      greatestBeforeNs: greater(greater(summary.greatestBeforeNs, summary.greatestInSuffixNs), appendAtNs),
      greatestInSuffixNs: 0n,
    };
  }
  if (appendAtNs < summary.greatestInSuffixNs) {
    return {
      ...extended,
      suffixStartEntry: entryIndex,
      greatestBeforeNs: greater(summary.greatestBeforeNs, summary.greatestInSuffixNs),
      greatestInSuffixNs: appendAtNs,
    };
  }
  return { ...extended, greatestInSuffixNs: appendAtNs };
}

/** Goes on from `summary` (default: from nothing) to the end of the index; reads the stamp of every entry on the way. */
export async function summarizeOrder(
  idx: IdxFile,
  readStamp: StampReader,
  options: { readonly summary?: OrderSummary; readonly signal?: AbortSignal } = {},
): Promise<OrderSummary> {
  const { signal } = options;
  let summary = options.summary ?? EMPTY_ORDER_SUMMARY;
  const fromEntry = summary.entryCount;
  for await (const entries of idx.walk(signal === undefined ? { fromEntry } : { fromEntry, signal })) {
    for (let i = 0; i < entries.count; i++) {
      signal?.throwIfAborted();
      summary = extendOrderSummary(summary, await readStamp(entries.entryAt(i)));
    }
  }
  return summary;
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
