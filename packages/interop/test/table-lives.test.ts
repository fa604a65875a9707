import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, weedBackup } from '../src/index.js';
import { tableLives } from '../src/table-lives.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

let cluster: WeedCluster;
let follower: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster();
  follower = await createWeedFollower(cluster.servers[0]!);
});

afterEach(() => cluster.servers[0]?.assertAlive());

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

describe('the lives that weed backup gets wrong', () => {
  for (const { name, allocate = {}, steps } of tableLives) {
    const collection = allocate.collection ?? '';

    it(`${name}: equal after each step, idle on the next run`, async () => {
      const server = cluster.servers[0]!;
      const volumeId = nextVolumeId++;
      await server.allocate(volumeId, allocate);
      for (const [i, step] of steps.entries()) {
        await step(server, volumeId);
        const report = await follower.sync(volumeId, collection);
        expect(report, `step ${i}`).toMatchObject({ ok: true, error: null });
        expect(await follower.differences(volumeId, collection), `step ${i}`).toEqual([]);
        const again = await follower.sync(volumeId, collection);
        expect(again, `step ${i}, again`).toMatchObject({ ok: true, outcome: 'idle' });
        expect(await follower.differences(volumeId, collection), `step ${i}, again`).toEqual([]);
      }
    });

    it(`${name}: what weed backup left is taken over`, async () => {
      const server = cluster.servers[0]!;
      const volumeId = nextVolumeId++;
      await server.allocate(volumeId, allocate);
      const backup = await createWeedFollower(server);
      for (const step of steps) {
        await step(server, volumeId);
        await weedBackup(cluster, { volumeId, directory: backup.directory, collection, timeLimitMs: 3000 });
      }
      const report = await backup.sync(volumeId, collection);
      expect(report).toMatchObject({ ok: true, error: null });
      expect(await backup.differences(volumeId, collection)).toEqual([]);
      await backup.remove();
    });
  }
});
