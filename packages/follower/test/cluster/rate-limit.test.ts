import { createVirtualTime } from '@holdfast/testkit';
import { expect, it } from 'vitest';
import { createRateLimit } from '../../src/cluster/rate-limit.js';
import { createClusterKit, fill } from './cluster-kit.js';

it('bytes pass at the mean rate; a second of them is saved up, and no more', async () => {
  const { clock, timers, advance } = createVirtualTime();
  const { signal } = new AbortController();
  const limit = createRateLimit(1_000, clock, timers);
  let passed = 0;
  const take = (bytes: number) => limit.take(bytes, signal).then(() => void (passed += bytes));
  await advance(60_000);
  await take(1_000);
  const more = take(2_000);
  await advance(1_999);
  expect(passed).toBe(1_000);
  await advance(1);
  await more;
  expect(passed).toBe(3_000);
});

it('a backup that is held to a rate takes as long as that, and is whole', async () => {
  const kit = await createClusterKit(1);
  const volume = fill(kit.servers[0]!, 1, 20);
  const { clock, timers } = kit.env.time;
  const startMs = clock.monotonicMs();
  const rateLimit = createRateLimit(4_000, clock, timers);
  const reports = await kit.backup({ rateLimit });
  expect(reports).toMatchObject([{ ok: true, outcome: 'copied' }]);
  kit.expectEqual(volume);
  expect(clock.monotonicMs() - startMs).toBeGreaterThan((volume.dat.length / 4_000 - 1) * 1000);
});
