import { LeaderError } from './leader-error.js';

/** A 64-bit number of a message as the `number` that offsets and sizes are. Fails with `bad-answer` past 2^53. */
export function safeNumber(value: bigint, field: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new LeaderError('bad-answer', `${field} is ${value}, beyond any file`);
  }
  return Number(value);
}
