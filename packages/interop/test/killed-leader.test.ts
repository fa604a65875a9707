import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const KiB = 1024;
const VOLUME_ID = 1;
const SEED = 71;
/** `npm run check` asks for more. */
const KILLS = Number(process.env.HOLDFAST_LEADER_KILLS ?? 3);

const random = createSeededRandom(SEED);
let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;
let copy: WeedFollower;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-killed-leader-'));
  copy = await createWeedFollower(server, { directory });
  await server.allocate(VOLUME_ID);
  await server.put(VOLUME_ID, 1n, random.bytes(KiB));
  await cluster.waitForVolume(VOLUME_ID);
});

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Several at once, until the server is gone: what it was about to write is cut anywhere. */
async function writeUntilGone(): Promise<void> {
  const writer = async (first: number): Promise<void> => {
    for (let id = first; ; id = first + ((id + 4) % 40)) {
      try {
        if (random.nextFloat() < 0.2) await server.delete(VOLUME_ID, BigInt(id));
        else
          await server.put(
            VOLUME_ID,
            BigInt(id),
            random.bytes(1 + Math.floor(random.nextFloat() * 200 * KiB)),
          );
      } catch {
        return;
      }
    }
  };
  await Promise.all([10, 110, 210, 310].map(writer));
}

it(`a leader killed ${KILLS} times while it is written to, compacted and followed: one follower goes on, equal (seed ${SEED})`, {
  timeout: 60_000 + KILLS * 30_000,
}, async () => {
  const args = ['--master', cluster.masterAddress, '--dir', directory, '--json'];
  const following = startHoldfast('follow', ...args, '--interval', '100ms');
  await following.printed('"outcome":"copied"');
  for (let kills = 0; kills < KILLS; kills++) {
    const writing = writeUntilGone();
    const vacuuming = kills % 2 === 1 ? server.vacuum(VOLUME_ID).catch(() => undefined) : undefined;
    await new Promise((resolve) => setTimeout(resolve, 200 + random.nextFloat() * 800));
    await server.kill();
    await writing;
    await vacuuming;
    await server.start();
    await cluster.waitForVolume(VOLUME_ID);
    await waitUntil(
      'the copy is equal',
      async () => (await copy.differences(VOLUME_ID)).length === 0,
      60_000,
    );
    expect(following.process.exitCode).toBeNull();
  }
  following.process.kill('SIGTERM');
  expect((await following.ended).exitCode).toBe(0);
  expect(await runHoldfast('backup', ...args)).toMatchObject({
    exitCode: 0,
    summary: { volumes: [{ outcome: 'idle' }] },
  });
  expect(await runHoldfast('verify', ...args)).toMatchObject({ exitCode: 0 });
});
