import type { Random } from '@holdfast/format';

/**
 * How a machine stops. `power`: of what was not synced anything may survive, and each write sector by sector. `nothing`
 * and `everything` are the two ends of that. `process`: killed; the machine goes on, so everything stays as it is seen,
 * and what was not synced can still be lost later.
 */
export type CrashKind = 'power' | 'nothing' | 'everything' | 'process';

/** What of each thing that was not synced survives. */
export function survivesIn(kind: CrashKind, random: Random): () => boolean {
  if (kind === 'nothing') return () => false;
  if (kind === 'everything') return () => true;
  const share = random.nextFloat();
  return () => random.nextFloat() < share;
}
