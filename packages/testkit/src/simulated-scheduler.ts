import type { Random } from '@holdfast/format';
import { createSeededRandom } from './seeded-random.js';
import { createVirtualTime, turnOfEvents, type VirtualTime } from './virtual-time.js';

/** How a task of a simulated world has ended. */
export type TaskEnd<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Nothing is under way, nobody sleeps, and the task has not ended: it never will. */
  | { readonly kind: 'stuck' }
  /** It did not end within the virtual time that it was given. */
  | { readonly kind: 'overdue' }
  /** `stop` was called. */
  | { readonly kind: 'stopped' };

/**
 * Decides what comes first in a simulated world. Operations of disks and networks pass through `pass`: those that it
 * queues go on one by one, in an order that the seed chooses, each only when nothing else can go on. Virtual time moves
 * only when none is queued.
 */
export interface SimulatedScheduler {
  readonly time: VirtualTime;
  /** Chooses the orders of what follows: `queuedShare`, 0 to 1, says how many operations are queued at all. */
  reseed(seed: number, queuedShare: number): void;
  /** To be awaited before an operation takes effect; `undefined`: it may do so at once. */
  pass(): Promise<void> | undefined;
  /** Runs the world until the task has ended. One task at a time. */
  run<T>(task: () => Promise<T>, limitMs: number): Promise<TaskEnd<T>>;
  /** Gives up the task under way. What it waits for stays unanswered until somebody runs the world again. */
  stop(): void;
}

export function createSimulatedScheduler(): SimulatedScheduler {
  const time = createVirtualTime();
  let random: Random = createSeededRandom(0);
  let queuedShare = 0;
  const queue: (() => void)[] = [];
  let isStopped = false;

  function releaseOne(): void {
    const at = queue.length === 1 ? 0 : Math.floor(random.nextFloat() * queue.length);
    const [release] = queue.splice(at, 1);
    release?.();
  }

  return {
    time,
    reseed(seed, share) {
      random = createSeededRandom(seed);
      queuedShare = share;
    },
    pass() {
      if (queuedShare === 0 || random.nextFloat() >= queuedShare) return undefined;
      return new Promise((resolve) => queue.push(resolve));
    },
    async run<T>(task: () => Promise<T>, limitMs: number): Promise<TaskEnd<T>> {
      const untilMs = time.clock.monotonicMs() + limitMs;
      let end: TaskEnd<T> | undefined;
      isStopped = false;
      task().then(
        (value) => {
          end = { kind: 'done', value };
        },
        (error: unknown) => {
          end = { kind: 'failed', error };
        },
      );
      for (;;) {
        await turnOfEvents();
        if (end !== undefined) return end;
        if (isStopped) return { kind: 'stopped' };
        if (queue.length > 0) {
          releaseOne();
          continue;
        }
        const { nextWakeInMs } = time;
        if (nextWakeInMs === undefined) return { kind: 'stuck' };
        if (time.clock.monotonicMs() + nextWakeInMs > untilMs) return { kind: 'overdue' };
        time.wakeNext();
      }
    },
    stop() {
      isStopped = true;
    },
  };
}
