import { expect, it } from 'vitest';
import { itemNumbers, sortOrder } from '../src/radix-order.js';

const HIGHS = [0, 65_535, 1, 255];

it.each([0, 1, 2, 1_000, 4_095, 4_096, 20_000])(
  'sorts %i items by their keys, those of equal keys as they were',
  (count) => {
    const keys = Array.from({ length: count }, (_, i) => [
      HIGHS[i % HIGHS.length]!,
      ((i * 7_919) % 65_521) & ~0xfff,
    ]);
    const order = itemNumbers(count);
    sortOrder(order, 2, (item, digit) => keys[item]![1 - digit]!);
    const expected = [...keys.keys()].sort(
      (a, b) => keys[a]![0]! - keys[b]![0]! || keys[a]![1]! - keys[b]![1]!,
    );
    expect([...order]).toEqual(expected);
  },
);
