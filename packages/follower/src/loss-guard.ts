import type { GenerationPosition, VolumeHome } from '@holdfast/store';
import { readLive } from './read-live.js';

/**
 * Whether more than the share `maxLoss` of the needles that were once live are gone. Such a
 * run still happens, but the former state is held until an operator releases it.
 */
export function isLossTooGreat(position: GenerationPosition, maxLoss: number): boolean {
  return position.liveNeedles < (1 - maxLoss) * position.greatestLiveNeedles;
}

/**
 * Whether a build that ends as `next` loses something that its former generation has and no held one: the loss is new,
 * or, while the guard has not been released since another one, it is too great by itself.
 */
export function losesFormer(former: GenerationPosition, next: GenerationPosition, maxLoss: number): boolean {
  if (!isLossTooGreat(next, maxLoss)) return false;
  const isNew = !isLossTooGreat(former, maxLoss);
  return isNew || isLossTooGreat({ ...next, greatestLiveNeedles: former.liveNeedles }, maxLoss);
}

/**
 * Whether what is live has still to be counted: the index has grown or changed since, by a run that did not need to know or
 * that was cut short before it did.
 */
export function isCountOwed({ countedIdxSizeBytes, idxSizeBytes }: GenerationPosition): boolean {
  return countedIdxSizeBytes !== idxSizeBytes;
}

/** The position with an exact count of live needles. */
export function withLiveNeedles(position: GenerationPosition, liveNeedles: number): GenerationPosition {
  const greatestLiveNeedles = Math.max(position.greatestLiveNeedles, liveNeedles);
  return { ...position, liveNeedles, greatestLiveNeedles, countedIdxSizeBytes: position.idxSizeBytes };
}

/**
 * An operator's release: what is live now is what later runs are measured by, and nothing is held any more. The next
 * pruning may remove it.
 */
export async function releaseHeld(home: VolumeHome): Promise<void> {
  const { held, foreign } = home;
  // In this order: cut short, it leaves what is held.
  if (held !== undefined) {
    const { count } = await readLive(held);
    await held.notePosition({ ...withLiveNeedles(held.position, count), greatestLiveNeedles: count });
  } else if (foreign?.lost !== undefined) {
    // What is live in it cannot be told: what is built in its place is the measure.
    const { position, notePosition } = foreign.lost;
    await notePosition({ ...position, liveNeedles: 0, greatestLiveNeedles: 0 });
  }
  await home.release();
}
