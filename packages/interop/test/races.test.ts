import { createSeededRandom } from '@holdfast/testkit';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { type WatchedTransport, watchTransport } from '../src/watched-transport.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
/** `npm run check` asks for more. */
const LARGE_MIB = Number(process.env.HOLDFAST_LARGE_MIB ?? 64);
const REMAKES = 6;

const random = createSeededRandom(17);
const noise = random.bytes(MiB);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let transport: WatchedTransport;
let follower: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  transport = watchTransport(createGrpcTransport());
  follower = await createWeedFollower(server, { transport });
});

afterEach(async () => {
  transport.watch = {};
  await server.assertStaysAlive();
});

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

async function putAll(volumeId: number, from: number, to: number, lengthBytes: number): Promise<void> {
  for (let id = from; id <= to; id++) {
    const content = noise.slice(0, lengthBytes);
    new DataView(content.buffer).setFloat64(0, random.nextFloat());
    const response = await server.put(volumeId, BigInt(id), content);
    expect(response.status).toBe(201);
  }
}

async function change(volumeId: number): Promise<void> {
  await putAll(volumeId, 1, 2, 5000);
  await server.delete(volumeId, 3n);
  await putAll(volumeId, 1000, 1001, 700);
}

async function filledVolume(needles: number, lengthBytes: number): Promise<number> {
  const volumeId = nextVolumeId++;
  await server.allocate(volumeId);
  await putAll(volumeId, 10, 9 + needles, lengthBytes);
  await putAll(volumeId, 1, 4, 4000);
  return volumeId;
}

/** At most one more run, and the copy is the leader's; the one after that has nothing to do. */
async function expectEqualNow(volumeId: number): Promise<void> {
  transport.watch = {};
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, error: null });
  expect(await follower.differences(volumeId)).toEqual([]);
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, outcome: 'idle' });
}

/** Does `work` once, at the first call of the returned function; others wait for it too. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

describe('vacuums', () => {
  it('committed in the middle of a large copy: the copy is the old generation, the next run the new one', async () => {
    const volumeId = await filledVolume(LARGE_MIB, MiB);
    await change(volumeId);
    const dat = await server.readFile(volumeId, '.dat');
    const idx = await server.readFile(volumeId, '.idx');
    const vacuum = once(() => server.vacuum(volumeId));
    let copiedAtVacuum = 0;
    transport.watch = {
      async afterCopied(ext, copiedBytes) {
        if (ext !== '.dat' || copiedBytes < dat.length / 2) return;
        copiedAtVacuum ||= copiedBytes;
        await vacuum();
      },
    };
    const report = await follower.sync(volumeId);
    expect(report).toMatchObject({ ok: true, outcome: 'copied', revision: 0, datSize: dat.length });
    expect(copiedAtVacuum).toBeLessThan(dat.length * 0.75);
    expect((await follower.readFile(volumeId, '.dat')).equals(dat)).toBe(true);
    expect((await follower.readFile(volumeId, '.idx')).equals(idx)).toBe(true);
    await expectEqualNow(volumeId);
  });

  it('committed in the middle of a large append: nothing of two generations is mixed', async () => {
    const volumeId = await filledVolume(2, MiB);
    await follower.sync(volumeId);
    await putAll(volumeId, 100, 99 + LARGE_MIB, MiB);
    await change(volumeId);
    const half = Math.floor(LARGE_MIB / 8);
    const vacuum = once(() => server.vacuum(volumeId));
    transport.watch = { beforeRange: (index) => (index >= half ? vacuum() : undefined) };
    const report = await follower.sync(volumeId);
    expect(report).toMatchObject({ ok: true, outcome: 'rebased', revision: 1 });
    await expectEqualNow(volumeId);
  });

  it('open in the middle of an append: no range is sent beside it', async () => {
    const volumeId = await filledVolume(2, MiB);
    await follower.sync(volumeId);
    await putAll(volumeId, 100, 131, MiB);
    await change(volumeId);
    let isOpen = false;
    let timesSeen = 0;
    let sentBeside = 0;
    const open = once(async () => {
      await server.compact(volumeId);
      isOpen = true;
    });
    const commit = once(async () => {
      await putAll(volumeId, 300, 301, 2000);
      await server.commit(volumeId);
      await server.cleanup(volumeId);
      isOpen = false;
    });
    transport.watch = {
      async beforeRange(index, signal) {
        if (index >= 12) await open();
        if (index === 12) await aborted(signal);
        if (isOpen && timesSeen > 0 && !signal.aborted) sentBeside++;
      },
      // The first look ends the step; those that follow wait for the end of the compaction.
      async afterCopied(ext, copiedBytes) {
        if (ext !== '.cpd' || copiedBytes === 0) return;
        if (++timesSeen === 2) await commit();
      },
    };
    const report = await follower.sync(volumeId);
    expect(timesSeen).toBeGreaterThan(1);
    expect(isOpen).toBe(false);
    expect(sentBeside).toBe(0);
    expect(report).toMatchObject({ ok: true, revision: 1 });
    await expectEqualNow(volumeId);
  });

  it('again and again while a copy and an append run: both end', async () => {
    const volumeId = await filledVolume(16, MiB);
    let vacuums = 0;
    let isBusy = false;
    const vacuum = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      await putAll(volumeId, 1, 1, 3000 + vacuums);
      await server.vacuum(volumeId);
      vacuums++;
      isBusy = false;
    };
    const always = {
      // The first message opens the streams that pin the copy: a leader that beats each opening is never met.
      afterCopied: (ext: string, copiedBytes: number) =>
        ext === '.dat' && copiedBytes > 2 * MiB ? vacuum() : undefined,
      beforeRange: (index: number) => (index % 12 === 11 ? vacuum() : undefined),
    };
    transport.watch = always;
    expect(await follower.sync(volumeId)).toMatchObject({ ok: true, error: null });
    expect(vacuums).toBeGreaterThan(4);
    transport.watch = {};
    await follower.sync(volumeId);
    await putAll(volumeId, 100, 115, MiB);
    transport.watch = always;
    expect(await follower.sync(volumeId)).toMatchObject({ ok: true, error: null });
    await expectEqualNow(volumeId);
  });
});

describe('a volume deleted and made anew with records of equal length', () => {
  const NEEDLES = 24;
  const LENGTH_BYTES = 300_000;

  for (let moment = 1; moment <= REMAKES; moment++)
    it(`between two ranges of an append, moment ${moment}`, async () => {
      const volumeId = nextVolumeId++;
      await server.allocate(volumeId);
      await putAll(volumeId, 1, 2, LENGTH_BYTES);
      await follower.sync(volumeId);
      await putAll(volumeId, 3, NEEDLES, LENGTH_BYTES);
      const { length } = await server.readFile(volumeId, '.dat');
      const remake = once(async () => {
        await server.deleteVolume(volumeId);
        await server.allocate(volumeId);
        await putAll(volumeId, 1, NEEDLES, LENGTH_BYTES);
      });
      let remadeAt: number | undefined;
      transport.watch = {
        async beforeRange(index) {
          if (index < 1 + 3 * moment) return;
          remadeAt ??= index;
          await remake();
        },
      };
      const report = await follower.sync(volumeId);
      expect(remadeAt).toBeDefined();
      expect(await server.readFile(volumeId, '.dat')).toHaveLength(length);
      expect(report).toMatchObject({ ok: true, outcome: 'rebased', revision: 0, datSize: length });
      await expectEqualNow(volumeId);
    });
});
