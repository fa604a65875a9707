import { createSeededRandom, randomLife } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { liveOutOnWeed, startWeedCluster, type WeedCluster } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const SYNCS = 10;
/** `npm run check` asks for more of them. */
const SEEDS = Number(process.env.HOLDFAST_LIVES ?? 4);

let cluster: WeedCluster;
let follower: WeedFollower;

beforeAll(async () => {
  cluster = await startWeedCluster();
  follower = await createWeedFollower(cluster.servers[0]!);
});

afterEach(() => cluster.servers[0]?.assertAlive());

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

describe('seeded lives of a real leader', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`seed ${seed}: equal after each of ${SYNCS} syncs, idle on the next run`, {
      timeout: 180_000,
    }, async () => {
      const server = cluster.servers[0]!;
      await server.allocate(seed);
      const life = randomLife(createSeededRandom(seed), { syncs: SYNCS });
      for (const [i, operation] of life.entries()) {
        if (operation.kind !== 'sync') {
          await liveOutOnWeed(server, seed, operation);
          continue;
        }
        const report = await follower.sync(seed);
        expect(report, `operation ${i}`).toMatchObject({ ok: true, error: null });
        expect(await follower.differences(seed), `operation ${i}`).toEqual([]);
        const again = await follower.sync(seed);
        expect(again, `operation ${i}, again`).toMatchObject({ ok: true, outcome: 'idle' });
      }
    });
  }
});
