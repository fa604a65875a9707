import { expect, test } from 'vitest';
import { generateSchedule, type Schedule } from '../src/index.js';
import { shrink } from '../src/schedule/shrink.js';

const vacuums = ({ operations }: Schedule): number => operations.filter((one) => one.do === 'vacuum').length;

function scheduleWithVacuums(): Schedule {
  for (let seed = 1; ; seed++) {
    const schedule = generateSchedule(seed, 'safety');
    if (vacuums(schedule) >= 2 && schedule.operations.length > 10) return schedule;
  }
}

test('what is left is what it takes', async () => {
  const schedule = scheduleWithVacuums();
  const small = await shrink(schedule, async (candidate) => vacuums(candidate) >= 2);
  expect(small.operations.map((operation) => operation.do)).toEqual(['vacuum', 'vacuum']);
  expect(small.world).toMatchObject({ queuedShare: 0, steps: 'default' });
});

test('moments that have no part in it go too', async () => {
  const operations = [1, 2, 3].map((seed) => ({
    do: 'backup' as const,
    seed,
    moments: [1, 2, 3, 4].map((count) => ({
      before: 'message' as const,
      count,
      event: { do: 'drop' as const },
    })),
  }));
  const schedule = { ...generateSchedule(1, 'safety'), operations };
  const small = await shrink(schedule, async (candidate) =>
    candidate.operations.some(
      (one) => one.do === 'backup' && one.seed === 2 && one.moments.some(({ count }) => count === 3),
    ),
  );
  expect(small.operations).toEqual([
    { do: 'backup', seed: 2, moments: [{ before: 'message', count: 3, event: { do: 'drop' } }] },
  ]);
});
