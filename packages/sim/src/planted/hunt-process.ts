import { register } from 'node:module';
import type { HuntName } from './hunts/hunts.js';
import type { MutatedModule } from './mutated-modules.js';

/** What a process is to look for; it imports the code under test only when it has been told. */
export interface HuntOrder {
  readonly modules: readonly MutatedModule[];
  readonly hunts: readonly HuntName[];
  readonly seed: number;
  /** Of all hunts together. */
  readonly schedulesMax: number;
  readonly secondsMax: number;
}

/** What the process says: that it goes on, and at last what it found or that it found nothing. */
export type HuntMessage =
  | { readonly kind: 'going-on'; readonly schedules: number }
  | { readonly kind: 'found'; readonly schedules: number; readonly oracle: string; readonly message: string }
  | { readonly kind: 'nothing'; readonly schedules: number };

/** How often it says that it goes on. */
const TELL_EVERY_MS = 200;

// Errors are ordinary here, and most of what one costs is its stack.
Error.stackTraceLimit = 0;

process.once('message', async (order: HuntOrder) => {
  register('./loader.js', import.meta.url, { data: order.modules });
  const say = (message: HuntMessage): void => void process.send!(message);
  const last = await hunt(order, (schedules) => say({ kind: 'going-on', schedules }));
  process.send!(last, () => process.disconnect());
});

/** The hunts take turns, a schedule each, until one finds something. */
async function hunt(order: HuntOrder, tell: (schedules: number) => void): Promise<HuntMessage> {
  const startedAtMs = performance.now();
  let toldAtMs = startedAtMs;
  let schedules = 0;
  try {
    const { huntOf } = await import('./hunts/hunts.js');
    const hunts = await Promise.all(order.hunts.map(huntOf));
    for (let seed = order.seed; schedules < order.schedulesMax; seed++) {
      for (const { schedule } of hunts) {
        schedules++;
        await schedule(seed);
        const nowMs = performance.now();
        if (nowMs - startedAtMs > 1000 * order.secondsMax) return { kind: 'nothing', schedules };
        if (nowMs - toldAtMs < TELL_EVERY_MS) continue;
        toldAtMs = nowMs;
        tell(schedules);
      }
    }
    return { kind: 'nothing', schedules };
  } catch (error) {
    return { kind: 'found', schedules, ...descriptionOf(error) };
  }
}

/** What an oracle said, or an error that nobody expected: both betray a bug. */
function descriptionOf(error: unknown): { readonly oracle: string; readonly message: string } {
  if (!(error instanceof Error)) return { oracle: 'an unexpected error', message: String(error) };
  const oracle = 'rule' in error ? String(error.rule) : `an unexpected ${error.name}`;
  return { oracle, message: error.message };
}
