import { Violation } from '../oracles/violation.js';
import { homeOf, nameOf, type Reported, type SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/** After lies: what was reported before them is still there, as what is held or as what is kept. */
export function judgeKept(world: SimulatedWorld): void {
  for (const [volumeId, reports] of world.reported) {
    const last = reports.at(-1);
    if (last === undefined || world.rotten.has(volumeId) || isPruned(world, volumeId, last)) continue;
    count(world.figures, 'good generations after lies');
    if (!isAnywhere(world, volumeId, last))
      throw new Violation(
        'last good generation',
        `volume ${volumeId}: the reported files after lies`,
        'neither held nor kept',
      );
  }
}

/** What was reported last, and is not what is held any more, is kept, unless retention has pruned it since. */
export function judgeFormer(world: SimulatedWorld, volumeId: number): void {
  const last = world.reported.get(volumeId)?.at(-1);
  const home = homeOf(world, volumeId);
  const { hasRotted, isTrusted } = world;
  if (last === undefined || hasRotted || !isTrusted || home.currentId() === last.generation) return;
  if (isPruned(world, volumeId, last)) return;
  count(world.figures, 'former generations looked at');
  if (home.holds(last.generation, last)) return;
  // A disk that did not give its digests made it a stranger, which is kept under another number.
  if (!isAnywhere(world, volumeId, last))
    throw new Violation(
      'retention',
      `volume ${volumeId}: generation ${last.generation}, which was reported, to be kept`,
      `generation ${home.currentId()} in its place`,
    );
}

function isPruned(world: SimulatedWorld, volumeId: number, { generation }: Reported): boolean {
  return world.retention.wasPruned(nameOf(world, volumeId), generation);
}

function isAnywhere(world: SimulatedWorld, volumeId: number, reported: Reported): boolean {
  const home = homeOf(world, volumeId);
  const ids = new Set([home.currentId() ?? 0, ...home.generations().map(({ id }) => id)]);
  return [...ids].some((id) => home.holds(id, reported));
}
