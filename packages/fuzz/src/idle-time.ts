import type { Clock, Timers } from '@holdfast/format';

/** Time that moves on as soon as everything waits for it: deadlines come, and nobody waits for them. */
export interface IdleTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whoever sleeps now sleeps for ever. */
  stop(): void;
}

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

const START_MS = 1_700_000_000_000;

/** Good where all work is done in microtasks: when an immediate comes, all of them are through. */
export function createIdleTime(): IdleTime {
  const sleepers = new Set<Sleeper>();
  let nowMs = 0;
  let isTicking = false;

  function tick(): void {
    isTicking = false;
    let first: Sleeper | undefined;
    for (const sleeper of sleepers)
      if (first === undefined || sleeper.wakeAtMs < first.wakeAtMs) first = sleeper;
    if (first === undefined) return;
    sleepers.delete(first);
    nowMs = Math.max(nowMs, first.wakeAtMs);
    first.wake();
    tickSoon();
  }

  function tickSoon(): void {
    if (isTicking || sleepers.size === 0) return;
    isTicking = true;
    setImmediate(tick);
  }

  return {
    clock: {
      nowMs: () => START_MS + nowMs,
      nowNs: () => BigInt(START_MS + nowMs) * 1_000_000n,
      monotonicMs: () => nowMs,
    },
    timers: {
      sleep: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const sleeper: Sleeper = { wakeAtMs: nowMs + delayMs, wake: resolve };
          sleepers.add(sleeper);
          const onAbort = (): void => {
            sleepers.delete(sleeper);
            reject(signal?.reason);
          };
          signal?.addEventListener('abort', onAbort, { once: true });
          tickSoon();
        }),
    },
    stop: () => sleepers.clear(),
  };
}
