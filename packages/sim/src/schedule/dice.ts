import type { Random } from '@holdfast/format';

/** Choices out of random numbers. */
export interface Dice {
  /** 0 to `limit` - 1. */
  below(limit: number): number;
  /** 0 to `limit` - 1, small ones more often. */
  small(limit: number): number;
  chance(probability: number): boolean;
  bytes(lengthBytes: number): Uint8Array;
  oneOf<T>(items: readonly T[]): T;
  /** One of the items, each as often as its weight says. */
  pick<T>(weighted: readonly (readonly [weight: number, item: T])[]): T;
}

export function createDice(random: Random): Dice {
  const below = (limit: number): number => Math.floor(random.nextFloat() * limit);
  return {
    below,
    small: (limit) => Math.floor(random.nextFloat() ** 2 * limit),
    chance: (probability) => random.nextFloat() < probability,
    bytes: (lengthBytes) => random.bytes(lengthBytes),
    oneOf: (items) => items[below(items.length)]!,
    pick(weighted) {
      let at = random.nextFloat() * weighted.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, item] of weighted) {
        at -= weight;
        if (at < 0) return item;
      }
      return weighted.at(-1)![1];
    },
  };
}
