import { createSeededRandom } from '@holdfast/testkit';

/** Choices out of one seed. */
export interface Dice {
  /** An integer in [0, limit). */
  below(limit: number): number;
  /** Whether something happens that does so once in `times`. */
  once(times: number): boolean;
  pick<T>(from: readonly T[]): T;
  bytes(lengthBytes: number): Uint8Array;
}

export function createDice(seed: number): Dice {
  const random = createSeededRandom(seed);
  const below = (limit: number): number => Math.floor(random.nextFloat() * limit);
  return {
    below,
    once: (times) => below(times) === 0,
    pick: (from) => from[below(from.length)]!,
    bytes: (lengthBytes) => random.bytes(lengthBytes),
  };
}
