import type { GenerationPosition } from '@holdfast/store';

/**
 * Whether more than the share `maxLoss` of the needles that were once live are gone. Such a
 * run still happens, but the former state is held until an operator releases it.
 */
export function isLossTooGreat(position: GenerationPosition, maxLoss: number): boolean {
  return position.liveNeedles < (1 - maxLoss) * position.greatestLiveNeedles;
}

/** The position with an exact count of live needles. */
export function withLiveNeedles(position: GenerationPosition, liveNeedles: number): GenerationPosition {
  const greatestLiveNeedles = Math.max(position.greatestLiveNeedles, liveNeedles);
  return { ...position, liveNeedles, greatestLiveNeedles };
}
