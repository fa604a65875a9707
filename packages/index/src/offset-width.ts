import { idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { IndexError } from './errors.js';
import { IdxEntries } from './idx-entries.js';
import type { RandomAccess } from './random-access.js';
import { proofByReading, type RecordProof } from './record-proof.js';

/** Entries looked at from either end of the index: enough to outvote a few damaged ones. */
const SAMPLED_ENTRIES = 16;
const BOTH_WIDTHS: readonly OffsetWidthBytes[] = [4, 5];

export interface DetectOffsetWidthInput {
  /** `bytesOffset` of the `.vif`, if it says any. */
  readonly vifBytesOffset?: OffsetWidthBytes | undefined;
  readonly idx: RandomAccess;
  readonly dat: RandomAccess;
}

export interface DetectedOffsetWidth {
  readonly offsetWidthBytes: OffsetWidthBytes;
  /**
   * What decided. `records`: entries of this width point at records with their ids and sizes; `size`: the length is
   * divisible by this entry's length only; `volume-info`: nothing but the `.vif` says anything.
   */
  readonly evidence: 'records' | 'size' | 'volume-info';
  /** The `.vif` says another width; records overruled it. */
  readonly volumeInfoDisagrees: boolean;
}

/**
 * The width of the offsets in an index, by the evidence of index and data (format.md §5). Records decide before the
 * `.vif` does, because a `.vif` is easily exchanged. Fails with `width-disagrees` and `width-undecided` where there is
 * doubt.
 */
export async function detectOffsetWidth(input: DetectOffsetWidthInput): Promise<DetectedOffsetWidth> {
  const { vifBytesOffset, idx } = input;
  const sizeBytes = await idx.sizeBytes();
  const widths = widthsByLength(sizeBytes);
  const prove = proofByReading(input.dat);
  const proved: OffsetWidthBytes[] = [];
  for (const width of BOTH_WIDTHS) {
    if (await entriesFitRecords(idx, sizeBytes, width, prove)) proved.push(width);
  }
  const decide = (offsetWidthBytes: OffsetWidthBytes, evidence: DetectedOffsetWidth['evidence']) => ({
    offsetWidthBytes,
    evidence,
    volumeInfoDisagrees: vifBytesOffset !== undefined && vifBytesOffset !== offsetWidthBytes,
  });
  if (proved.length === 1) return decide(proved[0]!, 'records');
  if (vifBytesOffset !== undefined && widths.includes(vifBytesOffset))
    return decide(vifBytesOffset, 'volume-info');
  if (widths.length > 1) {
    throw new IndexError('width-undecided', `an index of ${sizeBytes} bytes fits both widths of offsets`, {
      expected: 'a .vif with bytesOffset, or entries that point at their records',
      found: sizeBytes,
    });
  }
  if (vifBytesOffset === undefined) return decide(widths[0]!, 'size');
  throw new IndexError(
    'width-disagrees',
    `the volume info says offsets of ${vifBytesOffset} bytes, the index does not`,
    {
      expected: vifBytesOffset,
      found: widths[0],
    },
  );
}

/**
 * Both, where the length speaks for neither: an empty index, and one that ends inside an entry. A torn one can by
 * chance have a length that fits the other width, so records are asked about both.
 */
function widthsByLength(sizeBytes: number): readonly OffsetWidthBytes[] {
  const dividing = BOTH_WIDTHS.filter((width) => sizeBytes % idxEntrySizeBytes(width) === 0);
  return dividing.length === 0 ? BOTH_WIDTHS : dividing;
}

/** Whether most of a sample of entries with a record point at it. */
async function entriesFitRecords(
  idx: RandomAccess,
  sizeBytes: number,
  width: OffsetWidthBytes,
  prove: RecordProof,
): Promise<boolean> {
  const entrySize = idxEntrySizeBytes(width);
  const entryCount = Math.trunc(sizeBytes / entrySize);
  const sampled = Math.min(SAMPLED_ENTRIES, entryCount);
  const lastRun = Math.max(sampled, entryCount - sampled);
  let asked = 0;
  let fitting = 0;
  for (const [from, to] of [
    [0, sampled],
    [lastRun, entryCount],
  ] as const) {
    const bytes = await idx.readAt(from * entrySize, (to - from) * entrySize);
    const entries = new IdxEntries(bytes, width, from);
    for (let i = 0; i < entries.count; i++) {
      const entry = entries.entryAt(i);
      if (entry.offset === 0) continue;
      asked++;
      if (await prove(entry)) fitting++;
    }
  }
  return fitting > 0 && 2 * fitting >= asked;
}
