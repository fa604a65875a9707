import { describe, expect, it } from 'vitest';
import { type FuzzTarget, fuzzTargets, judge, readCorpus, runCampaign } from '../src/index.js';

/** Another one on another day, for those who run it often: HOLDFAST_SEED. */
const SEED = Number(process.env.HOLDFAST_SEED ?? 1);
/** All targets together; `npm run check` runs a million. */
const INPUTS = 50_000;

describe('any input', () => {
  const shares = fuzzTargets.reduce((sum, { share }) => sum + share, 0);
  for (const target of fuzzTargets) {
    const inputs = Math.ceil((INPUTS * target.share) / shares);
    it(`of ${target.name}: a right result or a typed error (${inputs} of seed ${SEED})`, async () => {
      for await (const figures of runCampaign({ seed: SEED, inputs, targets: [target] })) {
        expect(figures.inputs).toBe(inputs);
        expect(figures.failures).toEqual([]);
      }
    });
  }
});

describe('what failed once', () => {
  for (const { target: name, path, bytes } of readCorpus()) {
    it(`${name}: ${path.split('/').at(-1)}`, async () => {
      const target = fuzzTargets.find((each) => each.name === name)!;
      expect(await judge(await target.prepare(), bytes)).toBeUndefined();
    });
  }
});

describe('a target that fails', () => {
  const failsOn = (fails: (input: Uint8Array) => void | Promise<void>): FuzzTarget => ({
    name: 'canary',
    share: 1,
    prepare: () => ({ make: (dice) => dice.bytes(40), run: fails }),
  });

  it.each([
    ['an error of no package', () => Promise.reject(new TypeError('of no package'))],
    [
      'a wrong answer',
      () => {
        throw new RangeError('wrong');
      },
    ],
  ])('with %s is found, and its input made small', async (_, fail) => {
    const target = failsOn((input) => (input.includes(0xaa) && input.length > 3 ? fail() : undefined));
    const found = [];
    for await (const { failures } of runCampaign({ seed: 1, inputs: 1000, targets: [target] }))
      found.push(...failures);
    expect(found.length).toBeGreaterThan(0);
    for (const { input } of found) {
      expect(input).toHaveLength(4);
      expect([...input].filter((byte) => byte !== 0)).toEqual([0xaa]);
    }
  });
});
