import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';
import { mountSmallDisk, type SmallDisk } from '../src/small-disk.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
const DISK_MIB = 16;
const random = createSeededRandom(37);
const disk: SmallDisk | undefined = await mountSmallDisk(DISK_MIB * MiB);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let copy: WeedFollower;
let directory: string;

beforeAll(async () => {
  if (disk === undefined) return;
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = join(disk.directory, 'copy');
  copy = await createWeedFollower(server, { directory });
});

afterAll(async () => {
  await cluster?.stop();
  await disk?.remove();
});

async function put(volumeId: number, from: number, count: number, lengthBytes: number): Promise<void> {
  for (let id = from; id < from + count; id++)
    expect((await server.put(volumeId, BigInt(id), random.bytes(lengthBytes))).status).toBe(201);
}

async function volumeStatus(volumeId: number): Promise<Record<string, unknown> | undefined> {
  const { summary } = await runHoldfast('status', '--dir', directory, '--json');
  const volumes = (summary?.volumes ?? []) as readonly Record<string, unknown>[];
  return volumes.find(({ id }) => id === volumeId);
}

describe.skipIf(disk === undefined)('the disk of a follower (needs the right to mount)', () => {
  it('fills under follow: the volume waits, the others go on, and all is well once there is room', async () => {
    const [large, small] = [1, 2];
    for (const volumeId of [large, small]) {
      await server.allocate(volumeId);
      await put(volumeId, 1, 2, 1000);
      await cluster.waitForVolume(volumeId);
    }
    const args = ['--master', cluster.masterAddress, '--dir', directory, '--json'];
    // What stays free is for the small one, which needs less than that.
    const run = startHoldfast('follow', ...args, '--interval', '100ms', '--min-free', '1MiB');
    await run.printed(`"id":${large},`);
    await run.printed(`"id":${small},`);
    const before = await copy.readFile(large, '.dat');
    await put(large, 10, DISK_MIB + 8, MiB);
    await waitUntil('no space is told', async () => (await volumeStatus(large))?.code === 'no-space');
    const held = await copy.readFile(large, '.dat');
    expect(held.subarray(0, before.length).equals(before)).toBe(true);

    for (const id of Array.from({ length: DISK_MIB + 8 }, (_, i) => BigInt(10 + i)))
      await server.delete(large, id);
    await put(large, 100, 3, 1000);
    await server.vacuum(large);
    const isEqual = async (volumeId: number) => (await copy.differences(volumeId)).length === 0;
    await put(small, 10, 1, 1000);
    await waitUntil('the small one is followed', () => isEqual(small), 60_000);
    await waitUntil('the large one, which fits again, too', () => isEqual(large), 60_000);
    expect(run.process.exitCode).toBeNull();
    run.process.kill('SIGTERM');
    expect((await run.ended).exitCode).toBe(0);
    expect(await runHoldfast('verify', '--dir', directory, '--json')).toMatchObject({ exitCode: 0 });
  }, 180_000);

  it('is full to the last byte under follow: it stays, and goes on when there is room', async () => {
    const volumeId = 3;
    await server.allocate(volumeId);
    await put(volumeId, 1, 3, 1000);
    await cluster.waitForVolume(volumeId);
    const args = ['--master', cluster.masterAddress, '--dir', directory, '--volume', `${volumeId}`, '--json'];
    const run = startHoldfast('follow', ...args, '--interval', '100ms', '--min-free', '0');
    await run.printed(`"id":${volumeId},`);
    await disk!.fill();
    await put(volumeId, 10, 5, 100_000);
    await run.printed('"code":"no-space"');
    expect(run.process.exitCode).toBeNull();
    await disk!.free();
    await waitUntil('it is equal', async () => (await copy.differences(volumeId)).length === 0, 60_000);
    run.process.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ exitCode: 0, summary: { ok: true } });
    expect(await runHoldfast('verify', '--dir', directory, '--volume', `${volumeId}`)).toMatchObject({
      exitCode: 0,
    });
    server.assertAlive();
  }, 180_000);
});
