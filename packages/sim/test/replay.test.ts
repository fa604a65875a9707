import { expect, test } from 'vitest';
import { generateSchedule, runSchedule } from '../src/index.js';

test('the same seed is the same schedule, the same trace and the same hash; another seed is another', async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const mode = seed % 3 === 0 ? 'liveness' : 'safety';
    expect(generateSchedule(seed, mode)).toEqual(generateSchedule(seed, mode));
    const first = await runSchedule(generateSchedule(seed, mode));
    const second = await runSchedule(generateSchedule(seed, mode));
    expect(second.lines, `seed ${seed}`).toEqual(first.lines);
    expect(second.hash).toBe(first.hash);
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(12);
});
