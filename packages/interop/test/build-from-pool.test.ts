import { randomBytes } from 'node:crypto';
import { createVolume } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

let cluster: WeedCluster;
let server: WeedVolumeServer;
let follower: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  follower = await createWeedFollower(server);
});

afterEach(() => server.assertAlive());

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

async function syncEqual(volumeId: number) {
  const report = await follower.sync(volumeId);
  expect(report).toMatchObject({ ok: true, error: null });
  expect(await follower.differences(volumeId)).toEqual([]);
  return report;
}

describe('a rebase costs what changed', () => {
  it('24 MB in 120 needles, 3 deleted, 1 overwritten, vacuumed, 1 added: at most 2 % of it', async () => {
    const volumeId = nextVolumeId++;
    const needleBytes = 200_000;
    await server.allocate(volumeId);
    for (let id = 1n; id <= 120n; id++) await server.put(volumeId, id, randomBytes(needleBytes));
    expect(await syncEqual(volumeId)).toMatchObject({
      outcome: 'copied',
      bytesReused: 0,
      plan: { way: 'whole' },
    });
    for (const id of [7n, 60n, 119n]) await server.delete(volumeId, id);
    await server.put(volumeId, 33n, randomBytes(needleBytes));
    await server.vacuum(volumeId);
    await server.put(volumeId, 121n, randomBytes(needleBytes));
    const report = await syncEqual(volumeId);
    expect(report).toMatchObject({ outcome: 'rebased', revision: 1, plan: { way: 'windows' } });
    expect(report.bytesReceived).toBeLessThanOrEqual(0.02 * report.datSize);
    expect(report.bytesReused).toBe(116 * needleBytes);
    expect(await syncEqual(volumeId)).toMatchObject({ outcome: 'idle', bytesReused: 0, plan: null });
  });

  it('100,000 needles of 4 KB, 1 % changed, vacuumed: at most 8 % of it', async () => {
    const volumeId = nextVolumeId++;
    const [count, needleBytes] = [100_000, 4096];
    await server.stop();
    await fillVolume(server.dataDirectory, volumeId, count, needleBytes);
    await server.start();
    await syncEqual(volumeId);
    for (let id = 1; id <= count; id += 100) {
      if (id % 200 === 1) await server.put(volumeId, BigInt(id), randomBytes(needleBytes));
      else await server.delete(volumeId, BigInt(id));
    }
    await server.vacuum(volumeId);
    const report = await syncEqual(volumeId);
    expect(report).toMatchObject({ outcome: 'rebased', revision: 1, plan: { way: 'windows' } });
    expect(report.bytesReceived).toBeLessThanOrEqual(0.08 * report.datSize);
    expect(report.bytesReused).toBeGreaterThan(0.95 * report.datSize);
  }, 300_000);
});

/** A volume as uploads one after the other would leave it, for a server that is stopped: much faster than through it. */
async function fillVolume(
  directory: string,
  volumeId: number,
  count: number,
  needleBytes: number,
): Promise<void> {
  await using volume = await createVolume(nodeStoreEnvironment(), { directory, name: `${volumeId}` });
  const source = randomBytes(needleBytes + count);
  for (let id = 1; id <= count; id++) {
    const data = source.subarray(id, id + needleBytes);
    await volume.append({ needleId: BigInt(id), cookie: id, data, name: '', mime: '' });
  }
}
