import type { Clock } from '../ports.js';

/** The clocks of this machine. Wall time in whole milliseconds. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowNs: () => BigInt(Date.now()) * 1_000_000n,
  monotonicMs: () => performance.now(),
};
