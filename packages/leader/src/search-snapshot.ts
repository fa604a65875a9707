import {
  createStampReader,
  EMPTY_ORDER_SUMMARY,
  openIdx,
  type RandomAccess,
  type SearchAnswer,
  searchAppendAtNs,
  summarizeOrder,
} from '@holdfast/index';
import type { ServedStatus } from '@holdfast/protocol';

/** The files of one generation, and how much of them counts. */
export interface SearchedFiles {
  readonly status: ServedStatus;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
}

/** Where what was appended after `sinceNs` begins, in exactly these files. Never a wrong place. */
export async function searchSnapshot(
  { status, dat, idx: source }: SearchedFiles,
  sinceNs: bigint,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const { version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = status;
  if (version !== 3) return { kind: 'not-answerable', reason: 'no-stamps' };
  const idx = await openIdx(source, offsetWidthBytes, { sizeBytes: idxSizeBytes });
  const readStamp = createStampReader(dat, offsetWidthBytes, datSizeBytes);
  const summary = await summarizeOrder(idx, readStamp, { summary: EMPTY_ORDER_SUMMARY, signal });
  return searchAppendAtNs({ idx, summary, sinceNs, version, readStamp, signal });
}
