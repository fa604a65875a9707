import { describe, expect, it } from 'vitest';
import type { CrashScenario } from '../src/crash-points/crash-scenario.js';
import { crashScenarios } from '../src/crash-points/scenarios/index.js';
import { tryCrashes } from '../src/crash-points/try-crashes.js';
import { Violation } from '../src/oracles/violation.js';

/** Another one on another day, for those who run it often: HOLDFAST_SEED. */
const SEED = Number(process.env.HOLDFAST_SEED ?? 1);

/** Some of all points; `npm run check` tries every one. */
describe(`a crash, and another one in the recovery (seed ${SEED})`, () => {
  for (const scenario of crashScenarios) {
    it(scenario.name, async () => {
      const figures = await tryCrashes(scenario, { seed: SEED, everyPoint: 9, secondCrashes: 10 });
      expect(figures.operations).toBeGreaterThan(5);
      expect(figures.crashes).toBeGreaterThan(figures.operations / 3);
    });
  }

  it('is found where a promise is not durable', async () => {
    const path = '/d/a';
    const careless: CrashScenario = {
      name: 'careless',
      begin: async ({ disk }) => disk.plant(path, Uint8Array.of(0)),
      async change({ env }, _state, promise) {
        const file = await env.disk.open(path, { mode: 'write' });
        await file.writeAt(0, Uint8Array.of(1));
        await file.close();
        promise('written');
      },
      restart: async () => {},
      async judge({ disk }, _state, promises) {
        if (promises.length > 0 && disk.peek(path)[0] !== 1)
          throw new Violation('durable first', 'the byte', 'the former one');
      },
    };
    const trial = tryCrashes(careless, { seed: SEED, secondCrashes: 0 });
    await expect(trial).rejects.toThrow(/^careless, crash at operation 1 .*durable first/);
  });
});
