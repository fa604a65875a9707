import type { Clock, Timers } from '@holdfast/format';

export interface PacedWriterOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Between a request and the write, and so between two writes, at least. */
  readonly leastPauseMs: number;
  readonly write: () => Promise<void>;
  /** A write that failed; it is tried again at the next turn. */
  readonly onProblem: (error: unknown) => void;
}

/** Writes what many ask for together, and never spends more than a fifth of a percent of the time on it. */
export interface PacedWriter {
  request(): void;
  /** Writes what is still asked for; fails as that write does. Idempotent. */
  close(): Promise<void>;
}

const PAUSE_FACTOR = 500;

export function createPacedWriter(options: PacedWriterOptions): PacedWriter {
  const { clock, timers, leastPauseMs, write, onProblem } = options;
  const ending = new AbortController();
  let pauseMs = leastPauseMs;
  let isWanted = false;
  let work: Promise<void> | undefined;

  async function writeOnce(): Promise<void> {
    isWanted = false;
    const startedAtMs = clock.monotonicMs();
    try {
      await write();
    } catch (error) {
      isWanted = true;
      throw error;
    } finally {
      pauseMs = Math.max(leastPauseMs, PAUSE_FACTOR * (clock.monotonicMs() - startedAtMs));
    }
  }

  async function workOff(): Promise<void> {
    while (isWanted) {
      await timers.sleep(pauseMs, ending.signal).catch(() => {});
      if (ending.signal.aborted) break;
      await writeOnce().catch(onProblem);
    }
    work = undefined;
  }

  return {
    request() {
      isWanted = true;
      work ??= workOff();
    },
    async close() {
      ending.abort();
      await work;
      if (isWanted) await writeOnce();
    },
  };
}
