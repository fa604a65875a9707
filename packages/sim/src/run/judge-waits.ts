import { Violation } from '../oracles/violation.js';
import type { SimulatedWorld } from '../world/simulated-world.js';

/**
 * A run that nothing disturbs waits for nothing: pauses come after failures, and an attempt that fails where nothing is
 * wrong is a mistake that the next one hides. An open compaction is waited for, and that an index was written anew may
 * show only at the end of an append.
 */
export function judgeWaits(world: SimulatedWorld, startedAtMs: number): void {
  const { schedule, cluster, scheduler, isTrusted } = world;
  const states = cluster.leaders.flatMap((leader) => schedule.world.volumeIds.map((id) => leader.state(id)));
  const isChanging = states.some((state) => state?.isCompacting || state?.isIndexRewritten);
  // A server that is away is tried again.
  const mayWait = isChanging || cluster.leaders.some(({ serverName }) => !cluster.isUp(serverName));
  if (mayWait || !isTrusted) return;
  const waitedMs = scheduler.time.clock.monotonicMs() - startedAtMs;
  if (waitedMs > 0)
    throw new Violation('convergence', 'a run that nothing disturbs to wait for nothing', `${waitedMs} ms`);
}
