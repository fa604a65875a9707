import type { Random, Timers } from './ports.js';

export interface RetryPace {
  readonly firstPauseMs: number;
  readonly greatestPauseMs: number;
}

/** Waits before attempt number `failures + 1`: full jitter over a doubling, bounded pause. */
export async function pauseAfter(
  failures: number,
  pace: RetryPace,
  timers: Timers,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const ceilingMs = Math.min(pace.greatestPauseMs, pace.firstPauseMs * 2 ** (failures - 1));
  await timers.sleep(random.nextFloat() * ceilingMs, signal);
}
