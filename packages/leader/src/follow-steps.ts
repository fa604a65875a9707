import {
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  recordLengthBytes,
  recordSizeOfEntry,
  type Version,
} from '@holdfast/format';
import { openIdx, type RandomAccess } from '@holdfast/index';
import { followLimits } from '@holdfast/protocol';

/** Entries that are looked at as one: a step ends only between two such runs. */
const RUN_ENTRIES = 256;
const STEP_BYTES = 4 << 20;

/** Where one `durable` event of a stream ends. */
export interface FollowStep {
  readonly datOffset: number;
  readonly idxOffset: number;
}

export interface FollowStepsInput {
  readonly idx: RandomAccess;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly from: FollowStep;
  readonly to: FollowStep;
  readonly signal: AbortSignal;
}

/**
 * The ends of the steps from `from` to `to`. Inside, a step ends only where all entries so far speak of records before
 * it and all later ones of records behind it, so an index out of order gives fewer, larger steps; `undefined` where
 * one would pass `followLimits.idxEntriesBytes`.
 */
export async function planFollowSteps(input: FollowStepsInput): Promise<readonly FollowStep[] | undefined> {
  const { from, to } = input;
  if (from.datOffset === to.datOffset && from.idxOffset === to.idxOffset) return [];
  const runs = await readRuns(input);
  // From behind: the least offset of all entries after each run.
  let leastAfter = Number.POSITIVE_INFINITY;
  const canEnd = runs.map(() => false);
  for (let i = runs.length - 1; i >= 0; i--) {
    canEnd[i] = leastAfter !== Number.POSITIVE_INFINITY && runs[i]!.greatestEnd <= leastAfter;
    leastAfter = Math.min(leastAfter, runs[i]!.leastOffset);
  }
  const steps: FollowStep[] = [];
  let last = from;
  for (const [i, run] of runs.entries()) {
    const step = { datOffset: run.greatestEnd, idxOffset: run.idxOffset };
    const isWorthIt =
      step.datOffset - last.datOffset >= STEP_BYTES || step.idxOffset - last.idxOffset >= STEP_BYTES;
    if (!canEnd[i] || !isWorthIt || step.datOffset >= to.datOffset) continue;
    steps.push(step);
    last = step;
  }
  steps.push(to);
  let previous = from.idxOffset;
  for (const { idxOffset } of steps) {
    if (idxOffset - previous > followLimits.idxEntriesBytes) return undefined;
    previous = idxOffset;
  }
  return steps;
}

interface EntryRun {
  /** Of all records up to here, not before `from`. */
  readonly greatestEnd: number;
  readonly leastOffset: number;
  /** Where the run ends in the `.idx`. */
  readonly idxOffset: number;
}

async function readRuns({
  idx: source,
  version,
  offsetWidthBytes,
  from,
  to,
  signal,
}: FollowStepsInput): Promise<EntryRun[]> {
  const entrySize = idxEntrySizeBytes(offsetWidthBytes);
  const idx = await openIdx(source, offsetWidthBytes, { sizeBytes: to.idxOffset });
  const runs: EntryRun[] = [];
  let greatestEnd = from.datOffset;
  let leastOffset = Number.POSITIVE_INFINITY;
  for await (const entries of idx.walk({ fromEntry: from.idxOffset / entrySize, signal })) {
    for (let i = 0; i < entries.count; i++) {
      const offset = entries.offsetAt(i);
      if (offset !== 0) {
        const lengthBytes = recordLengthBytes(version, recordSizeOfEntry(entries.sizeBytesAt(i)));
        greatestEnd = Math.max(greatestEnd, offset + lengthBytes);
        leastOffset = Math.min(leastOffset, offset);
      }
      if ((i + 1) % RUN_ENTRIES !== 0 && i + 1 !== entries.count) continue;
      runs.push({ greatestEnd, leastOffset, idxOffset: (entries.firstEntryIndex + i + 1) * entrySize });
      leastOffset = Number.POSITIVE_INFINITY;
    }
  }
  return runs;
}
