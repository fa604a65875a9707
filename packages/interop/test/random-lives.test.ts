import { createSeededRandom, randomLife } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { allocateReplicated, type ReplicatedVolume } from '../src/replicated-volume.js';
import { createWeedClusterFollower, type WeedClusterFollower } from '../src/weed-cluster-follower.js';

const SYNCS = 10;
/** `npm run check` asks for more of them. */
const SEEDS = Number(process.env.HOLDFAST_LIVES ?? 6);

let cluster: WeedCluster;
let follower: WeedClusterFollower;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 3 });
  follower = await createWeedClusterFollower(cluster);
});

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

function serverOf(httpAddress: string): WeedVolumeServer | undefined {
  return cluster.servers.find((server) => server.httpAddress === httpAddress);
}

async function expectEqual(volumeId: number, server: WeedVolumeServer, when: string): Promise<void> {
  for (const ext of ['.dat', '.idx'] as const) {
    const [ours, theirs] = [await follower.readFile(volumeId, ext), await server.readFile(volumeId, ext)];
    expect(
      Buffer.compare(ours, theirs),
      `${when}: ${ext}, ${ours.length} bytes, ${theirs.length} there`,
    ).toBe(0);
  }
}

/** The pinned copy's server is away and is waited for: what is held stays as it is. */
async function expectWaits(volumeId: number, when: string): Promise<void> {
  const before = [await follower.readFile(volumeId, '.dat'), await follower.readFile(volumeId, '.idx')];
  expect(await follower.sync(volumeId), when).toMatchObject({ ok: false, code: 'leader-unreachable' });
  const after = [await follower.readFile(volumeId, '.dat'), await follower.readFile(volumeId, '.idx')];
  expect(after, when).toEqual(before);
}

/** Syncs, and gives the server whose copy is followed now. */
async function syncEqual(
  volumeId: number,
  volume: ReplicatedVolume,
  pinned: WeedVolumeServer | undefined,
  when: string,
): Promise<WeedVolumeServer> {
  if (pinned !== undefined && !volume.isUp(pinned)) await expectWaits(volumeId, when);
  const report = await follower.sync(volumeId, { failoverAfterMs: 0 });
  expect(report, when).toMatchObject({ ok: true, error: null });
  const server = serverOf(report.server)!;
  expect(volume.reachable, when).toContain(server);
  if (pinned !== undefined && volume.reachable.includes(pinned)) expect(server, when).toBe(pinned);
  await expectEqual(volumeId, server, when);
  const again = await follower.sync(volumeId);
  expect(again, `${when}, again`).toMatchObject({ ok: true, outcome: 'idle', server: report.server });
  return server;
}

describe('seeded lives of a real volume with two replicas, of servers that stop and start, and copies that move', () => {
  const changes: string[] = [];

  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`seed ${seed}: equal to the copy that is followed after each of ${SYNCS} syncs, idle on the next run`, {
      timeout: 180_000,
    }, async () => {
      const random = createSeededRandom(seed);
      const life = randomLife(random, { syncs: SYNCS });
      const volume = await allocateReplicated(cluster, seed, random);
      let pinned: WeedVolumeServer | undefined;
      for (const [i, operation] of life.entries()) {
        if (operation.kind !== 'sync') {
          await volume.liveOut(operation);
          continue;
        }
        const disturbance = await volume.disturb();
        const server = await syncEqual(seed, volume, pinned, `operation ${i}, ${disturbance}`);
        if (pinned !== undefined && server !== pinned) changes.push(disturbance);
        pinned = server;
      }
      await volume.startAll();
      for (const server of cluster.servers) server.assertAlive();
    });
  }

  it('the copy that was followed was another one time and again, by servers that stop and by moves', () => {
    expect(changes.length).toBeGreaterThanOrEqual(SEEDS);
    expect(new Set(changes)).toEqual(new Set(['stopped', 'moved']));
  });
});
