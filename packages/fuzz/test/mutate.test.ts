import { describe, expect, it } from 'vitest';
import { createDice, mutate } from '../src/index.js';

describe('mutate', () => {
  const seeds = [new Uint8Array(100).fill(1), new TextEncoder().encode('{"size":17}')];

  it('gives the same bytes for the same seed, and others for another', () => {
    const of = (seed: number) => Buffer.from(mutate(createDice(seed), seeds)).toString('hex');
    const all = Array.from({ length: 200 }, (_, seed) => of(seed));
    expect(all).toEqual(Array.from({ length: 200 }, (_, seed) => of(seed)));
    expect(new Set(all).size).toBeGreaterThan(190);
  });

  it('changes no seed, and takes an empty one', () => {
    const before = seeds.map((seed) => seed.slice());
    for (let seed = 0; seed < 2000; seed++) mutate(createDice(seed), [...seeds, new Uint8Array(0)]);
    expect(seeds).toEqual(before);
  });
});
