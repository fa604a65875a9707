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
  /** `onIdle` is called once, between `idleMs` and a quarter more after the last touch. */
  watch(onIdle: () => void): IdleEntry;
}

const SWEEPS_PER_IDLE = 4;
const NOTHING_WATCHED = 'nothing is watched any more';

export function createIdleWatch(clock: Clock, timers: Timers, idleMs: number): IdleWatch {
  const entries = new Map<object, { touchedAtMs: number; readonly onIdle: () => void }>();
  let sleeping: AbortController | undefined;

  async function sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await timers.sleep(idleMs / SWEEPS_PER_IDLE, signal);
      const since = clock.monotonicMs() - idleMs;
      for (const [key, entry] of entries) {
        if (entry.touchedAtMs > since) continue;
        entries.delete(key);
        entry.onIdle();
      }
      stopIfNothingIsWatched();
    }
  }

  function stopIfNothingIsWatched(): void {
    if (entries.size > 0) return;
    sleeping?.abort(NOTHING_WATCHED);
    sleeping = undefined;
  }

  return {
    watch(onIdle) {
      const entry = { touchedAtMs: clock.monotonicMs(), onIdle };
      entries.set(entry, entry);
      if (sleeping === undefined) {
        sleeping = new AbortController();
        sweep(sleeping.signal).catch(() => {});
      }
      return {
        touch() {
          entry.touchedAtMs = clock.monotonicMs();
        },
        end() {
          entries.delete(entry);
          stopIfNothingIsWatched();
        },
      };
    },
  };
}
