import { formatInstant } from '@holdfast/format';
import type { KeptGeneration, StoreEnvironment } from '@holdfast/store';
import { type KeptVolume, newestFirst } from './generations.js';
import { atNs } from './volume-state.js';

/**
 * The instants that one generation covers: from its first commit until it was replaced. At each the state is that of
 * the newest commit before, or finer (docs/restore.md). Times are the follower's wall clock.
 */
export interface RestorableRange {
  readonly generation: number;
  readonly revision: number;
  readonly isCurrent: boolean;
  /** Why it is kept until an operator releases it. */
  readonly heldFor: KeptGeneration['heldFor'];
  readonly fromMs: number;
  /** The range ends before this; `null`: it goes on. */
  readonly untilMs: number | null;
  readonly lastCommitMs: number;
  /** How many commits there are in it. */
  readonly commits: number;
  /** Of the newest state. */
  readonly datSizeBytes: number;
}

/** What a volume can be restored to, oldest first. Empty where nothing was ever committed. */
export async function listRestorable(
  env: StoreEnvironment,
  volume: KeptVolume,
  signal?: AbortSignal,
): Promise<readonly RestorableRange[]> {
  const ranges: RestorableRange[] = [];
  for await (const { kept, reader } of newestFirst(env, volume)) {
    let commits = 0;
    let fromMs = Number.POSITIVE_INFINITY;
    let lastCommitMs = 0;
    for await (const { atMs, heldFor } of reader.history(signal)) {
      // A line that marks a state as held repeats the one before.
      if (heldFor === null) commits += 1;
      fromMs = Math.min(fromMs, atMs);
      lastCommitMs = atMs;
    }
    const { revision, datSizeBytes } = reader.position;
    const { isCurrent, heldFor } = kept;
    const untilMs = isCurrent ? null : endOf(kept, lastCommitMs);
    const generation = reader.id;
    ranges.unshift({
      generation,
      revision,
      isCurrent,
      heldFor,
      fromMs,
      untilMs,
      lastCommitMs,
      commits,
      datSizeBytes,
    });
  }
  return ranges;
}

/** When a former generation stopped being the state of its volume; without a record of it, after its last commit. */
export function endOf({ replacedAtMs }: KeptGeneration, lastCommitMs: number): number {
  return replacedAtMs ?? lastCommitMs + 1;
}

/** The ranges in words, those that meet as one. */
export function describeRanges(ranges: readonly RestorableRange[]): string {
  const joined: { fromMs: number; untilMs: number | null }[] = [];
  for (const { fromMs, untilMs } of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && last.untilMs !== null && fromMs <= last.untilMs) last.untilMs = untilMs;
    else joined.push({ fromMs, untilMs });
  }
  if (joined.length === 0) return 'nothing';
  const show = (atMs: number) => formatInstant(atNs(atMs));
  return joined
    .map(({ fromMs, untilMs }) =>
      untilMs === null ? `${show(fromMs)} until now` : `${show(fromMs)} to ${show(untilMs)}`,
    )
    .join(', ');
}
