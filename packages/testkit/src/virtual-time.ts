import type { Clock, Timers } from '@holdfast/format';

/** Time that stands still until a test moves it. */
export interface VirtualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Sleeps that nobody has ended yet. */
  readonly sleeping: number;
  /** Moves time on, waking each sleeper at its own instant and letting everything that it sets off settle. */
  advance(byMs: number): Promise<void>;
}

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

const START_MS = 1_700_000_000_000;
/** Enough rounds of the microtask queue for calls over a memory network to come and go. */
const SETTLE_ROUNDS = 500;

export function createVirtualTime(): VirtualTime {
  let nowMs = 0;
  const sleepers = new Set<Sleeper>();

  const settle = async (): Promise<void> => {
    for (let round = 0; round < SETTLE_ROUNDS; round++) await Promise.resolve();
  };

  return {
    clock: {
      nowMs: () => START_MS + nowMs,
      nowNs: () => BigInt(START_MS + nowMs) * 1_000_000n,
      monotonicMs: () => nowMs,
    },
    timers: {
      sleep(delayMs, signal) {
        return new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const onAbort = (): void => {
            sleepers.delete(sleeper);
            reject(signal?.reason);
          };
          const sleeper: Sleeper = {
            wakeAtMs: nowMs + delayMs,
            wake() {
              sleepers.delete(sleeper);
              signal?.removeEventListener('abort', onAbort);
              resolve();
            },
          };
          sleepers.add(sleeper);
          signal?.addEventListener('abort', onAbort, { once: true });
        });
      },
    },
    get sleeping() {
      return sleepers.size;
    },
    async advance(byMs) {
      const endMs = nowMs + byMs;
      await settle();
      for (;;) {
        const [next] = [...sleepers].sort((left, right) => left.wakeAtMs - right.wakeAtMs);
        if (!next || next.wakeAtMs > endMs) break;
        nowMs = next.wakeAtMs;
        next.wake();
        await settle();
      }
      nowMs = endMs;
    },
  };
}
