import type { Tiling } from '@holdfast/index';
import type { LinkCost } from '../link-meter.js';
import type { BuildPlan } from './build-plan.js';
import type { Pool } from './pool.js';
import { LEAST_REUSED_BYTES } from './step-plan.js';

/** What of a record is not its data, with little of a name: the estimate's guess, the plan itself looks. */
const AROUND_DATA_BYTES = 48;
/** Windows are to cost so much less: their steps are fenced, and a stream is the leader's cheapest. */
const WINDOWS_SHARE_MAX = 0.75;

/** The link as it counts: never faster than `countedBytesPerSecond`, so that bytes matter on a quick one too. */
export interface CountedCost {
  readonly secondsPerRange: number;
  readonly bytesPerSecond: number;
  /** Data that are shorter cost less than the range that would spare them. */
  readonly leastReusedBytes: number;
}

export function countedCost(cost: LinkCost, countedBytesPerSecond: number): CountedCost {
  const { secondsPerRange } = cost;
  const bytesPerSecond = Math.min(cost.bytesPerSecond ?? countedBytesPerSecond, countedBytesPerSecond);
  const leastReusedBytes = Math.max(LEAST_REUSED_BYTES, Math.ceil(secondsPerRange * bytesPerSecond));
  return { secondsPerRange, bytesPerSecond, leastReusedBytes };
}

/** Weighs windows against reading the whole rest of a volume. */
export function planBuild(
  tiling: Tiling,
  pool: Pool | undefined,
  fromOffset: number,
  cost: CountedCost,
): BuildPlan {
  let ranges = 1;
  let reusedBytes = 0;
  for (const tile of tiling.tiles(fromOffset)) {
    if (tile.kind !== 'record' || tile.entry.sizeBytes < cost.leastReusedBytes) continue;
    if (pool?.places.placeOf(tile.entryIndex) === undefined) continue;
    ranges++;
    reusedBytes += Math.max(0, tile.lengthBytes - AROUND_DATA_BYTES);
  }
  const wholeBytes = tiling.datSizeBytes - fromOffset;
  const bytes = wholeBytes - reusedBytes;
  const whole = { bytes: wholeBytes, seconds: rounded(wholeBytes / cost.bytesPerSecond) };
  const seconds = rounded(ranges * cost.secondsPerRange + bytes / cost.bytesPerSecond);
  const windows = { bytes, ranges, reusedBytes, seconds };
  const isCheaper = reusedBytes > 0 && seconds <= WINDOWS_SHARE_MAX * whole.seconds;
  const way = isCheaper ? 'windows' : 'whole';
  const figures = `${bytes} bytes in ${ranges} windows (counted ${seconds} s) against ${wholeBytes} bytes whole (${whole.seconds} s)`;
  return { way, reason: reusedBytes > 0 ? figures : 'the pool has nothing of it', whole, windows };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
