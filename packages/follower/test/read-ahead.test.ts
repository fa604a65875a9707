import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAhead } from '../src/read-ahead.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function* numbers(
  count: number,
  onGiven: (number: number) => void,
  failsAfter = Number.POSITIVE_INFINITY,
) {
  for (let number = 0; number < count; number++) {
    if (number === failsAfter) throw new Error('broken');
    onGiven(number);
    yield number;
  }
}

describe('reading ahead', () => {
  it('gives every item once and in order, however slow the reader is and however small the bound', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(50),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.boolean(), { minLength: 1 }),
        async (count, bound, pauses) => {
          const got: number[] = [];
          let batches = 0;
          for await (const batch of readAhead(
            numbers(count, () => {}),
            () => 1,
            bound,
          )) {
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(bound);
            got.push(...batch);
            if (pauses[batches++ % pauses.length]) await turn();
          }
          expect(got).toEqual(Array.from({ length: count }, (_, i) => i));
        },
      ),
    );
  });

  it('makes one batch of what came while its reader was busy, and takes no more than the bound', async () => {
    let given = 0;
    const sizes: number[] = [];
    for await (const batch of readAhead(
      numbers(100, () => given++),
      () => 10,
      200,
    )) {
      sizes.push(batch.length);
      await turn();
      expect(given - sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(20);
    }
    expect(sizes.length).toBeLessThan(10);
  });

  it('a failure comes after what came before it', async () => {
    const got: number[] = [];
    const read = async () => {
      for await (const batch of readAhead(
        numbers(9, () => {}, 5),
        () => 1,
        3,
      ))
        got.push(...batch);
    };
    await expect(read()).rejects.toThrow('broken');
    expect(got).toEqual([0, 1, 2, 3, 4]);
  });

  it('takes nothing more once its reader has left', async () => {
    let given = 0;
    for await (const _ of readAhead(
      numbers(1000, () => given++),
      () => 1,
      4,
    ))
      break;
    const atLeaving = given;
    for (let i = 0; i < 5; i++) await turn();
    expect(given).toBeLessThanOrEqual(atLeaving + 1);
  });
});
