import { createSeededRandom } from '@holdfast/testkit';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { mountSmallDisk, type SmallDisk } from '../src/small-disk.js';
import { type WatchedTransport, watchTransport } from '../src/watched-transport.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
const SMALL_NEEDLES = 200;
const random = createSeededRandom(23);
const disk: SmallDisk | undefined = await mountSmallDisk(48 * MiB);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let transport: WatchedTransport;
let follower: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  if (disk === undefined) return;
  cluster = await startWeedCluster({ volumeServers: 0 });
  server = await cluster.addServer({ directory: disk.directory, args: ['-minFreeSpace=0'] });
  transport = watchTransport(createGrpcTransport());
  follower = await createWeedFollower(server, { transport });
});

afterEach(async () => await disk?.free());

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
  await disk?.remove();
});

async function putAll(volumeId: number, from: number, to: number, lengthBytes: number): Promise<void> {
  for (let id = from; id <= to; id++) {
    const response = await server.put(volumeId, BigInt(id), random.bytes(lengthBytes));
    expect(response.status).toBe(201);
  }
}

/**
 * A commit has to write what came during the compaction. Deletions that a full disk has no room for make it fail and
 * leave the volume closed; so many that they go past the last page of the file.
 */
async function failCommit(volumeId: number): Promise<void> {
  for (let id = 1; id <= SMALL_NEEDLES; id++) await server.delete(volumeId, BigInt(id));
  await disk?.fill();
  await expect(server.commit(volumeId)).rejects.toThrow(/append deleted|no space left/);
}

/** With room again, and the server started anew, the copy is the leader's after one run. */
async function expectRecovery(volumeId: number): Promise<void> {
  await disk?.free();
  await server.stop();
  await server.start();
  transport.watch = {};
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, error: null });
  expect(await follower.differences(volumeId)).toEqual([]);
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, outcome: 'idle' });
}

describe.skipIf(disk === undefined)('a commit that fails on a full disk (needs the right to mount)', () => {
  for (const isFirstCopy of [true, false])
    it(`of a vacuum that is open when ${isFirstCopy ? 'a first copy' : 'an append'} starts`, async () => {
      const volumeId = nextVolumeId++;
      await server.allocate(volumeId);
      await putAll(volumeId, 1, SMALL_NEEDLES, 100);
      if (!isFirstCopy) await follower.sync(volumeId);
      await putAll(volumeId, 1001, 1010, 100_000);
      await server.compact(volumeId);
      let timesSeen = 0;
      transport.watch = {
        async afterCopied(ext, copiedBytes) {
          if (ext === '.cpd' && copiedBytes > 0 && ++timesSeen === 2) await failCommit(volumeId);
        },
      };
      const report = await follower.sync(volumeId);
      expect(timesSeen).toBeGreaterThan(1);
      await server.assertStaysAlive();
      expect(report).toMatchObject({ ok: false, outcome: 'failed', code: 'leader-volume-closed' });
      const again = await follower.sync(volumeId);
      await server.assertStaysAlive();
      expect(again).toMatchObject({ ok: false, code: 'leader-volume-closed' });
      await expectRecovery(volumeId);
    });

  it('of a vacuum that opens in the middle of an append', async () => {
    const volumeId = nextVolumeId++;
    await server.allocate(volumeId);
    await putAll(volumeId, 1, SMALL_NEEDLES, 100);
    await follower.sync(volumeId);
    await putAll(volumeId, 1001, 1010, 1_000_000);
    let timesSeen = 0;
    let opened: Promise<void> | undefined;
    transport.watch = {
      async beforeRange(index, signal) {
        if (index < 10) return;
        opened ??= server.compact(volumeId);
        await opened;
        // The step stands still until its own look finds the compaction.
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      },
      async afterCopied(ext, copiedBytes) {
        if (ext === '.cpd' && copiedBytes > 0 && ++timesSeen === 2) await failCommit(volumeId);
      },
    };
    const report = await follower.sync(volumeId);
    expect(timesSeen).toBeGreaterThan(1);
    await server.assertStaysAlive();
    expect(report).toMatchObject({ ok: false, code: 'leader-volume-closed' });
    await expectRecovery(volumeId);
  });
});
