import { formatVolumeName, type Timers, type VolumeName } from '@holdfast/format';

/** Tells streams that wait that something was appended. */
export interface ChangeSignal {
  /** How often the volume has changed so far. */
  count(name: VolumeName): number;
  notify(name: VolumeName): void;
  /**
   * Resolves when the count is no longer `seen`, or when files that nobody announces should be looked at again.
   * Rejects when the signal aborts.
   */
  next(name: VolumeName, seen: number, signal: AbortSignal): Promise<void>;
}

/** `pollIntervalMs`: how often files are looked at which others write. */
export function createChangeSignal(timers: Timers, pollIntervalMs: number): ChangeSignal {
  const counts = new Map<string, number>();
  const waiting = new Map<string, Set<() => void>>();

  return {
    count: (name) => counts.get(formatVolumeName(name)) ?? 0,
    notify(name) {
      const key = formatVolumeName(name);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      for (const wake of waiting.get(key) ?? []) wake();
    },
    async next(name, seen, signal) {
      const key = formatVolumeName(name);
      if ((counts.get(key) ?? 0) !== seen) return;
      const asleep = new AbortController();
      const wake = () => asleep.abort();
      const wakers = waiting.get(key) ?? new Set();
      waiting.set(key, wakers.add(wake));
      signal.addEventListener('abort', wake, { once: true });
      try {
        if (signal.aborted) wake();
        await timers.sleep(pollIntervalMs, asleep.signal).catch(() => undefined);
        signal.throwIfAborted();
      } finally {
        wakers.delete(wake);
        signal.removeEventListener('abort', wake);
      }
    },
  };
}
