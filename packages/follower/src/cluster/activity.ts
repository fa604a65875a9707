import type { Clock } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';
import { interpose } from './interpose.js';

/** Whether a leader keeps a turn waiting. */
export interface Activity {
  /** Since when calls are open and nothing has come on any of them, by the monotonic clock. `undefined`: none is open. */
  readonly waitingSinceMs: number | undefined;
  /** The leader, with every call to it watched. */
  watch(leader: LeaderClient): LeaderClient;
}

/** The time that the reader of a stream takes for itself does not count as waiting for the leader. */
export function createActivity(clock: Clock): Activity {
  let openCalls = 0;
  let lastSignMs = 0;

  async function waitFor<T>(call: () => Promise<T>): Promise<T> {
    if (openCalls++ === 0) lastSignMs = clock.monotonicMs();
    try {
      return await call();
    } finally {
      openCalls--;
      lastSignMs = clock.monotonicMs();
    }
  }

  return {
    get waitingSinceMs() {
      return openCalls === 0 ? undefined : lastSignMs;
    },
    watch: (leader) =>
      interpose(leader, {
        answer: waitFor,
        async *stream(items) {
          const iterator = items[Symbol.asyncIterator]();
          try {
            for (;;) {
              const result = await waitFor(() => iterator.next());
              if (result.done) return;
              yield result.value;
            }
          } finally {
            await iterator.return?.();
          }
        },
      }),
  };
}
