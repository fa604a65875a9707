import {
  createStampReader,
  EMPTY_ORDER_SUMMARY,
  type OrderSummary,
  openIdx,
  type RandomAccess,
  type SearchAnswer,
  searchAppendAtNs,
  summarizeOrder,
} from '@holdfast/index';
import type { ServedStatus } from '@holdfast/protocol';

/** The files of one generation, and how much of them counts. */
export interface SearchedFiles {
  readonly status: Pick<ServedStatus, 'version' | 'offsetWidthBytes' | 'datSizeBytes' | 'idxSizeBytes'>;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
}

/** Where what was appended after `sinceNs` begins, in exactly these files. Never a wrong place. */
export type StampSearch = (
  files: SearchedFiles,
  sinceNs: bigint,
  signal: AbortSignal,
) => Promise<SearchAnswer>;

/** Reads the stamp of each entry once, in the first search that it is there for, and beside that O(log n) a search. */
export function createStampSearch(): StampSearch {
  /** By the open file: a generation's summary goes with it. */
  const summaries = new WeakMap<RandomAccess, OrderSummary>();

  return async ({ status, dat, idx: source }, sinceNs, signal) => {
    const { version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = status;
    if (version !== 3) return { kind: 'not-answerable', reason: 'no-stamps' };
    const idx = await openIdx(source, offsetWidthBytes, { sizeBytes: idxSizeBytes });
    const readStamp = createStampReader(dat, offsetWidthBytes, datSizeBytes);
    const known = summaries.get(dat) ?? EMPTY_ORDER_SUMMARY;
    // Another search may have seen more of the files than counts in this one.
    const from = known.entryCount > idx.entryCount ? EMPTY_ORDER_SUMMARY : known;
    const summary = await summarizeOrder(idx, readStamp, { summary: from, signal });
    if (summary.entryCount >= known.entryCount) summaries.set(dat, summary);
    return searchAppendAtNs({ idx, summary, sinceNs, version, readStamp, signal });
  };
}
