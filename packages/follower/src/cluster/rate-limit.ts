import type { Clock, Timers } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';
import { interpose } from './interpose.js';

/** Lets bytes pass at a mean rate. One for all volumes of a run. */
export interface RateLimit {
  /** Resolves when `bytes` more may be taken. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** At most `bytesPerSecond` on average; up to a second's worth is saved up while nothing is asked for. */
export function createRateLimit(bytesPerSecond: number, clock: Clock, timers: Timers): RateLimit {
  let readyAtMs = clock.monotonicMs();
  return {
    async take(bytes, signal) {
      const nowMs = clock.monotonicMs();
      readyAtMs = Math.max(readyAtMs, nowMs - 1000) + (bytes / bytesPerSecond) * 1000;
      if (readyAtMs > nowMs) await timers.sleep(readyAtMs - nowMs, signal);
    },
  };
}

/** The leader with every stream of bytes from it held to the limit: a reader that waits stops the sender. */
export function limitRate(leader: LeaderClient, limit: RateLimit): LeaderClient {
  return interpose(leader, {
    answer: (call) => call(),
    async *stream(items, sizeBytes, signal) {
      for await (const item of items) {
        await limit.take(sizeBytes(item), signal);
        yield item;
      }
    },
  });
}
