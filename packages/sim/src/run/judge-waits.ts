import { Violation } from '../oracles/violation.js';
import type { SimulatedWorld } from '../world/simulated-world.js';

/**
 * A run that nothing disturbs waits for nothing: pauses come after failures, and an attempt that fails where nothing is
 * wrong is a mistake that the next one hides. An open compaction is waited for, and that an index was written anew may
 * show only at the end of an append.
 */
export function judgeWaits(world: SimulatedWorld, startedAtMs: number): void {
  const { schedule, leader, scheduler, isTrusted } = world;
  const mayWait = schedule.world.volumeIds.some((id) => {
    const state = leader.state(id);
    return state !== undefined && (state.isCompacting || state.isIndexRewritten);
  });
  if (mayWait || !isTrusted) return;
  const waitedMs = scheduler.time.clock.monotonicMs() - startedAtMs;
  if (waitedMs > 0)
    throw new Violation('convergence', 'a run that nothing disturbs to wait for nothing', `${waitedMs} ms`);
}
