import type { Clock, Timers } from '@holdfast/format';

/** Time that stands still until somebody moves it. */
export interface VirtualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Sleeps that nobody has ended yet. */
  readonly sleeping: number;
  /** How long until the next sleeper wakes; `undefined` where none sleeps. */
  readonly nextWakeInMs: number | undefined;
  /** Moves time on, waking each sleeper at its own instant and letting everything that it sets off settle. */
  advance(byMs: number): Promise<void>;
  /** Moves time to the instant of the next sleeper, and wakes it. Nothing happens where none sleeps. */
  wakeNext(): void;
  /** Lets everything go on that waits for neither time nor anything outside of this process. */
  settle(): Promise<void>;
  /** The wall clock jumps, or steps back; monotonic time and sleepers notice nothing. */
  stepWallClock(byMs: number): void;
}

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

const START_MS = 1_700_000_000_000;

export function createVirtualTime(): VirtualTime {
  let nowMs = 0;
  let wallMs = START_MS;
  const sleepers = new Set<Sleeper>();

  /** Of equal instants the one that went to sleep first. */
  function next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers)
      if (first === undefined || sleeper.wakeAtMs < first.wakeAtMs) first = sleeper;
    return first;
  }

  function moveTo(instantMs: number): void {
    wallMs += instantMs - nowMs;
    nowMs = instantMs;
  }

  function wakeNext(): void {
    const sleeper = next();
    if (sleeper === undefined) return;
    moveTo(Math.max(nowMs, sleeper.wakeAtMs));
    sleeper.wake();
  }

  return {
    clock: {
      nowMs: () => Math.floor(wallMs),
      nowNs: () => BigInt(Math.floor(wallMs * 1e3)) * 1_000n,
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
    get nextWakeInMs() {
      const sleeper = next();
      return sleeper === undefined ? undefined : Math.max(0, sleeper.wakeAtMs - nowMs);
    },
    async advance(byMs) {
      const endMs = nowMs + byMs;
      await turnOfEvents();
      for (let sleeper = next(); sleeper !== undefined && sleeper.wakeAtMs <= endMs; sleeper = next()) {
        wakeNext();
        await turnOfEvents();
      }
      moveTo(endMs);
    },
    wakeNext,
    settle: turnOfEvents,
    stepWallClock(byMs) {
      wallMs += byMs;
    },
  };
}

/**
 * One turn of the event loop: when it has come round, no promise that could go on is left. Nothing in a simulated world
 * waits for anything else than promises and virtual time.
 */
export function turnOfEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
