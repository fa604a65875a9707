import { expect, test } from 'vitest';
import { describeFailure, generateSchedule, type Mode, runSchedule, shrunkFailure } from '../src/index.js';

/** A seed of each day would find more and fail for nobody's change: the long run has other seeds. */
const FIRST_SEED = 1_000_000;
const BATCHES = 8;
const SCHEDULES: Readonly<Record<Mode, number>> = { safety: 40, liveness: 12 };

for (const mode of ['safety', 'liveness'] as const) {
  for (let batch = 0; batch < BATCHES; batch++) {
    const firstSeed = FIRST_SEED + batch * SCHEDULES[mode];
    test(`${mode}: ${SCHEDULES[mode]} schedules from seed ${firstSeed}`, async () => {
      for (let seed = firstSeed; seed < firstSeed + SCHEDULES[mode]; seed++) {
        const schedule = generateSchedule(seed, mode);
        const result = await runSchedule(schedule);
        if (result.violation !== undefined)
          expect.fail(describeFailure(await shrunkFailure(schedule, result)));
      }
    });
  }
}
