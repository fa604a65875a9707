import type { Version } from '@holdfast/format';
import type { IdxFile } from './idx-file.js';
import type { OrderSummary } from './order-summary.js';
import type { StampedRecord, StampReader } from './stamp-reader.js';

/** Entries fetched at once while looking for one that has a record. */
const SCANNED_ENTRIES = 1024;

export type SearchAnswer =
  /** The records appended after the time are exactly those at `offset` and behind it. */
  | { readonly kind: 'found'; readonly entryIndex: number; readonly offset: number }
  /** No record was appended after the time. */
  | { readonly kind: 'nothing-newer' }
  /** Newer and older records are mixed in the file, or it cannot be known. */
  | {
      readonly kind: 'not-answerable';
      readonly reason: 'no-stamps' | 'damaged-entry' | 'before-sorted-suffix';
    };

export interface SearchInput {
  readonly idx: IdxFile;
  /** Of exactly this index: covering all its entries. */
  readonly summary: OrderSummary;
  /** Unix nanoseconds; records with a greater `appendAtNs` are newer. */
  readonly sinceNs: bigint;
  readonly version: Version;
  readonly readStamp: StampReader;
  readonly signal?: AbortSignal;
}

/**
 * Where the bytes appended since a time begin, with O(log n) records read; or that there is no such place. Never a
 * wrong place: without version 3's stamps, and outside the sorted suffix, the answer is `not-answerable`. Throws
 * `RangeError` where the summary is not of this index.
 */
export async function searchAppendAtNs(input: SearchInput): Promise<SearchAnswer> {
  const { idx, summary, sinceNs, version } = input;
  if (summary.entryCount !== idx.entryCount) {
    throw new RangeError(`a summary of ${summary.entryCount} entries for an index of ${idx.entryCount}`);
  }
  if (version !== 3) return { kind: 'not-answerable', reason: 'no-stamps' };
  if (summary.misfitCount > 0) return { kind: 'not-answerable', reason: 'damaged-entry' };
  const { leastNs, lowest } = summary;
  if (leastNs === undefined || lowest === undefined) return { kind: 'nothing-newer' };
  if (sinceNs >= summary.greatestBeforeNs && sinceNs >= summary.greatestInSuffixNs)
    return { kind: 'nothing-newer' };
  if (sinceNs < leastNs) return { kind: 'found', ...lowest };
  if (sinceNs < summary.greatestBeforeNs) return { kind: 'not-answerable', reason: 'before-sorted-suffix' };
  return searchSuffix(input);
}

/** The first entry of the suffix whose record is newer. There is one. */
async function searchSuffix(input: SearchInput): Promise<SearchAnswer> {
  let low = input.summary.suffixStartEntry;
  let high = input.idx.entryCount;
  let found: SearchAnswer = { kind: 'nothing-newer' };
  while (low < high) {
    const middle = low + Math.trunc((high - low) / 2);
    const probe = await lastRecordIn(input, low, middle + 1);
    if (probe === 'misfit') return { kind: 'not-answerable', reason: 'damaged-entry' };
    if (probe === undefined || probe.record.appendAtNs <= input.sinceNs) {
      low = middle + 1;
    } else {
      high = probe.entryIndex;
      found = { kind: 'found', entryIndex: probe.entryIndex, offset: probe.record.offset };
    }
  }
  return found;
}

/**
 * The last of the entries [fromEntry, toEntry) that has a record. What is passed over leaves the search with the
 * half that it lies in, so long runs of entries without records are read once, not once a step.
 */
async function lastRecordIn(
  { idx, readStamp, signal }: SearchInput,
  fromEntry: number,
  toEntry: number,
): Promise<{ entryIndex: number; record: StampedRecord } | 'misfit' | undefined> {
  let window = 1;
  for (let end = toEntry; end > fromEntry; ) {
    signal?.throwIfAborted();
    const start = Math.max(fromEntry, end - window);
    const entries = await idx.readEntries(start, end);
    for (let i = entries.count - 1; i >= 0; i--) {
      const record = await readStamp(entries.entryAt(i));
      if (record === 'misfit') return 'misfit';
      if (record !== 'no-record') return { entryIndex: start + i, record };
    }
    end = start;
    window = SCANNED_ENTRIES;
  }
  return undefined;
}
