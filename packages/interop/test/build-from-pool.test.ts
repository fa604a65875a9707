import { randomBytes } from 'node:crypto';
import { copyFile, open } from 'node:fs/promises';
import { createVolume } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  startWeedCluster,
  type WeedAllocateOptions,
  type WeedCluster,
  type WeedVolumeServer,
} from '../src/index.js';
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

const NEEDLES = 30n;
const NEEDLE_BYTES = 20_000;

async function allocateFilled(
  volumeId: number,
  options: WeedAllocateOptions = {},
  on = server,
): Promise<void> {
  await on.allocate(volumeId, options);
  for (let id = 1n; id <= NEEDLES; id++) await on.put(volumeId, id, dataOf(id));
}

/** The same for the same needle, whichever server it is put to. */
function dataOf(needleId: bigint): Uint8Array {
  return createSeededRandom(Number(needleId)).bytes(NEEDLE_BYTES);
}

async function changeAndVacuum(volumeId: number): Promise<void> {
  await server.delete(volumeId, 9n);
  await server.put(volumeId, 4n, randomBytes(NEEDLE_BYTES));
  await server.vacuum(volumeId);
}

describe('whatever the leader has been through', () => {
  for (const version of [1, 2, 3] as const)
    it(`version ${version}, over a revision that wraps`, async () => {
      const volumeId = nextVolumeId++;
      await allocateFilled(volumeId, { version });
      await server.unmount(volumeId);
      const dat = await open(`${server.dataDirectory}/${volumeId}.dat`, 'r+');
      await dat.write(new Uint8Array([0xff, 0xff]), 0, 2, 4);
      await dat.close();
      await server.mount(volumeId);
      expect(await syncEqual(volumeId)).toMatchObject({ revision: 65535 });
      await changeAndVacuum(volumeId);
      const report = await syncEqual(volumeId);
      expect(report).toMatchObject({ outcome: 'rebased', revision: 0, plan: { way: 'windows' } });
      expect(report.bytesReused).toBe(Number(NEEDLES - 2n) * NEEDLE_BYTES);
    });

  it('the volume made anew under its id: nothing of it is taken for what it was', async () => {
    const volumeId = nextVolumeId++;
    await allocateFilled(volumeId);
    await syncEqual(volumeId);
    await server.deleteVolume(volumeId);
    await allocateFilled(volumeId);
    expect(await syncEqual(volumeId)).toMatchObject({ outcome: 'rebased', bytesReused: 0 });
  });

  it('compacted every 2 seconds: each run ends all the same, and the copy is equal when that stops', async () => {
    const volumeId = nextVolumeId++;
    await server.stop();
    await fillVolume(server.dataDirectory, volumeId, 20_000, 4096);
    await server.start();
    await syncEqual(volumeId);
    const ending = new AbortController();
    const compacting = compactUntil(volumeId, ending.signal);
    for (let runs = 0; runs < 3; runs++) {
      const report = await follower.sync(volumeId);
      expect(report).toMatchObject({ ok: true, error: null });
    }
    ending.abort();
    expect(await compacting).toBeGreaterThan(1);
    await syncEqual(volumeId);
  }, 120_000);
});

describe('another leader copy', () => {
  it('a volume that was moved by its files, and a replica with its own order and stamps', async () => {
    const volumeId = nextVolumeId++;
    await allocateFilled(volumeId);
    await syncEqual(volumeId);
    const other = await cluster.addServer();
    await server.unmount(volumeId);
    for (const ext of ['dat', 'idx', 'vif'])
      await copyFile(
        `${server.dataDirectory}/${volumeId}.${ext}`,
        `${other.dataDirectory}/${volumeId}.${ext}`,
      );
    await other.mount(volumeId);
    const moved = await createWeedFollower(other, { directory: follower.directory });
    const report = await moved.sync(volumeId);
    expect(report).toMatchObject({ ok: true, outcome: 'rebased', server: other.httpAddress });
    expect(report.bytesReused).toBe(Number(NEEDLES) * NEEDLE_BYTES);
    expect(await moved.differences(volumeId)).toEqual([]);

    const replica = await cluster.addServer();
    await replica.allocate(volumeId);
    for (let id = NEEDLES; id >= 1n; id--) await replica.put(volumeId, id, dataOf(id));
    const changed = await createWeedFollower(replica, { directory: follower.directory });
    const fromReplica = await changed.sync(volumeId);
    expect(fromReplica).toMatchObject({ ok: true, outcome: 'rebased', server: replica.httpAddress });
    expect(fromReplica.bytesReused).toBe(Number(NEEDLES) * NEEDLE_BYTES);
    expect(await changed.differences(volumeId)).toEqual([]);
  });
});

/** Gives how many compactions there were. */
async function compactUntil(volumeId: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    await server.put(volumeId, BigInt(++count), randomBytes(4096));
    await server.vacuum(volumeId);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  return count;
}

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
