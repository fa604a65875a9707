import type { SyncReport } from '@holdfast/follower';
import type { CopyFiles } from '../oracles/copy-oracle.js';
import { countLive, startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import { policyOf } from '../world/follower-policy.js';
import { homeOf, type SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/**
 * A loss that is too great is told, as the exit code tells it, and the state before it is held; one that is not is not.
 * `isCounted`: whether the run has to have counted what is live.
 */
export function judgeLossGuard(
  world: SimulatedWorld,
  { id, lossGuard, liveNeedles }: SyncReport,
  copy: CopyFiles,
  isCounted: boolean,
): void {
  const { cluster, log, schedule } = world;
  const book = world.losses.get(id)!;
  const live = countLive(copy.idx, cluster.offsetWidth);
  const share = 1 - policyOf(schedule.world).maxLoss;
  if (isCounted && liveNeedles !== live)
    throw new Violation('honest', `volume ${id}: ${live} live needles`, `${liveNeedles}`);
  if (isCounted && !lossGuard && live < share * book.greatestCounted)
    throw new Violation(
      'loss guard',
      `volume ${id}: the guard to trip, with ${live} needles of ${book.greatestCounted} left`,
      'nothing told',
    );
  if (isCounted && lossGuard && live >= share * book.greatestOf(log.allStatesOf(id)))
    throw new Violation(
      'loss guard',
      `volume ${id}: nothing lost, with ${live} needles`,
      'a loss that is too great',
    );
  if (isCounted) book.greatestCounted = Math.max(book.greatestCounted, live);
  const generation = homeOf(world, id).currentId() ?? 0;
  if (!lossGuard) {
    book.good = { ...copy, generation };
    return;
  }
  count(world.figures, 'losses that were too great');
  judgeHeld(world, id);
}

/** Of the generations from the last good one to the present one at least one is held, durably, and has what was good. */
export function judgeHeld(world: SimulatedWorld, volumeId: number): void {
  const home = homeOf(world, volumeId);
  const { good } = world.losses.get(volumeId)!;
  const first = good?.generation ?? 1;
  const ids = home.generations().map(({ id }) => id);
  const held = ids.filter((id) => id >= first && home.isHeldDurably(id));
  if (held.length === 0)
    throw new Violation(
      'loss guard',
      `volume ${volumeId}: the state before the loss to be held`,
      'nothing held',
    );
  if (world.hasRotted) return;
  // Between the two another one, which no run lived to report, may have been the last good one.
  if (good === undefined || held.every((id) => id > good.generation)) return;
  if (!home.holds(good.generation, good))
    throw new Violation(
      'loss guard',
      `volume ${volumeId}: the ${good.dat.length} good bytes in what is held`,
      'others',
    );
}

/** An operator has released the volume: nothing of it is held, and what is live is the measure. */
export function judgeRelease(world: SimulatedWorld, volumeId: number): void {
  const { cluster, log } = world;
  const home = homeOf(world, volumeId);
  const left = home.generations().find(({ isHeld }) => isHeld);
  if (left !== undefined)
    throw new Violation(
      'loss guard',
      `volume ${volumeId}: nothing held after a release`,
      `generation ${left.id}`,
    );
  count(world.figures, 'releases');
  const book = world.losses.get(volumeId)!;
  const copy = home.present();
  if (copy === undefined || world.rotten.has(volumeId)) {
    // What is live in it could not be counted.
    book.forget();
    return;
  }
  const states = log.statesOf(volumeId, home.currentServer() ?? '');
  const at = states.findIndex(({ dat, idx }) => startsWith(dat, copy.dat) && startsWith(idx, copy.idx));
  book.release(states.slice(0, Math.max(0, at)), countLive(copy.idx, cluster.offsetWidth));
  const last = world.reported.get(volumeId)?.at(-1);
  if (last?.generation === home.currentId()) book.good = last;
}
