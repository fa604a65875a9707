import { expect, it } from 'vitest';
import { flipBits } from '../src/index.js';

it('every bit of a generation that is flipped is found: a sample; npm run check tries all of them', async () => {
  const figures = await flipBits({ everyBit: 211, everyOpening: 5 });
  expect(figures).toEqual({ flips: Math.ceil((8 << 16) / 211), openings: 497 });
});
