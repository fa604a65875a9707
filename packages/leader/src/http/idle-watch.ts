import type { Clock, Timers } from '@holdfast/format';

/** One thing that has to go on. */
export interface IdleEntry {
  /** It went on. */
  touch(): void;
  /** It is over. */
  end(): void;
}

/** Notices what does not go on for a while: with one timer for everything that is watched. */
export interface IdleWatch {
  /** `onIdle` is called once, between `idleMs` and a second more after the last touch. */
  watch(onIdle: () => void): IdleEntry;
}

const SWEEPS_PER_IDLE = 4;
const MAX_SWEEP_MS = 1000;

export function createIdleWatch(clock: Clock, timers: Timers, idleMs: number): IdleWatch {
  const entries = new Set<{ touchedAtMs: number; readonly onIdle: () => void }>();
  const sweepMs = Math.min(idleMs / SWEEPS_PER_IDLE, MAX_SWEEP_MS);
  let isSweeping = false;

  /** Goes on until it finds nothing to watch: a timer that was ended with every request would cost more than it. */
  async function sweep(): Promise<void> {
    isSweeping = true;
    while (entries.size > 0) {
      await timers.sleep(sweepMs);
      const since = clock.monotonicMs() - idleMs;
      for (const entry of entries) {
        if (entry.touchedAtMs > since) continue;
        entries.delete(entry);
        entry.onIdle();
      }
    }
    isSweeping = false;
  }

  return {
    watch(onIdle) {
      const entry = { touchedAtMs: clock.monotonicMs(), onIdle };
      entries.add(entry);
      if (!isSweeping) sweep();
      return {
        touch() {
          entry.touchedAtMs = clock.monotonicMs();
        },
        end() {
          entries.delete(entry);
        },
      };
    },
  };
}
