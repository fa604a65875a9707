import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningHoldfast, runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';
import { type ProxiedServer, startProxiedServer } from '../src/proxied-server.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
/** `npm run check` asks for more. */
const CUTS = Number(process.env.HOLDFAST_CUTS ?? 6);
/** A run without one byte is given up after five times 60 s. Long; only where it is asked for. */
const WAITS_FOR_SILENCE = process.env.HOLDFAST_SILENCE === '1';
/** A minute's copies at the rates of slow links; only where it is asked for. */
const IS_SLOW = process.env.HOLDFAST_SLOW === '1';
const VOLUME_MIB = 16;
const SEED = 43;

const random = createSeededRandom(SEED);
const noise = random.bytes(MiB);

let cluster: WeedCluster;
let weak: ProxiedServer;
let sound: WeedVolumeServer;
let directory: string;
let copy: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 1 });
  sound = cluster.servers[0]!;
  weak = await startProxiedServer(cluster);
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-weak-'));
  copy = await createWeedFollower(weak.server, { directory });
});

afterEach(async () => {
  for (const proxy of [weak.grpc, weak.http]) {
    proxy.throttle(undefined);
    proxy.resume();
  }
  await weak.server.assertStaysAlive();
  await rm(directory, { recursive: true, force: true });
});

afterAll(async () => {
  await weak?.close();
  await cluster?.stop();
});

async function put(volumeId: number, from: number, count: number, on = weak.server): Promise<void> {
  for (let id = from; id < from + count; id++) {
    const content = noise.slice();
    new DataView(content.buffer).setFloat64(0, random.nextFloat());
    expect((await on.put(volumeId, BigInt(id), content)).status).toBe(201);
  }
}

async function allocate(on = weak.server): Promise<number> {
  const volumeId = nextVolumeId++;
  await on.allocate(volumeId);
  await cluster.waitForVolume(volumeId);
  return volumeId;
}

const args = (...volumeIds: readonly number[]) => [
  ...['--master', cluster.masterAddress, '--dir', directory, '--json'],
  ...['--volume', volumeIds.join(',')],
];

async function expectEqual(volumeId: number): Promise<void> {
  expect(await runHoldfast('backup', ...args(volumeId))).toMatchObject({
    exitCode: 0,
    summary: { ok: true },
  });
  expect(await copy.differences(volumeId)).toEqual([]);
}

/** Cuts every connection whenever so much has come, until there were `CUTS` that hit one. */
async function cutAgainAndAgain(run: RunningHoldfast): Promise<number> {
  let cuts = 0;
  while (cuts < CUTS && run.process.exitCode === null) {
    const more = Math.floor((0.1 + random.nextFloat()) * ((VOLUME_MIB * MiB) / CUTS));
    await Promise.race([weak.grpc.received(weak.grpc.receivedBytes + more), run.ended]);
    if (weak.grpc.cut() > 0) cuts++;
  }
  return cuts;
}

/** Runs until one proves the copy, over connections that break whenever so much has come. */
async function expectConverges(volumeId: number, cutEveryBytes: number): Promise<void> {
  for (let runs = 1; ; runs++) {
    const run = startHoldfast('backup', ...args(volumeId));
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      await Promise.race([weak.grpc.received(weak.grpc.receivedBytes + cutEveryBytes), run.ended]);
      if (!isOver) weak.grpc.cut();
    }
    const { exitCode, summary } = await run.ended;
    if (exitCode !== 0 && runs < 3) continue;
    expect({ exitCode, summary }).toMatchObject({ exitCode: 0, summary: { ok: true } });
    expect(await copy.differences(volumeId)).toEqual([]);
    return;
  }
}

describe('connections that are cut in the middle', () => {
  it(`a first copy and an append, ${CUTS} cuts each: they go on where they were (seed ${SEED})`, {
    timeout: 120_000 + CUTS * 5000,
  }, async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, VOLUME_MIB);
    weak.grpc.throttle(16 * MiB);
    for (const outcome of ['copied', 'appended']) {
      const before = weak.grpc.receivedBytes;
      const run = startHoldfast('backup', ...args(volumeId));
      const cuts = await cutAgainAndAgain(run);
      const { exitCode, summary } = await run.ended;
      // Five breaks without progress end a run; the next one goes on.
      if (exitCode !== 0)
        expect({ exitCode, summary }).toMatchObject({ exitCode: 4, summary: { ok: false } });
      else expect(summary).toMatchObject({ volumes: [{ outcome }] });
      expect(cuts).toBeGreaterThan(0);
      await expectEqual(volumeId);
      // What a cut can cost is what was not durable yet.
      expect(weak.grpc.receivedBytes - before).toBeLessThan((2 * VOLUME_MIB + cuts * 8) * MiB);
      await put(volumeId, 100, VOLUME_MIB);
    }
  });

  it('under a follower that goes on by itself', { timeout: 60_000 + CUTS * 5000 }, async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, 4);
    const run = startHoldfast('follow', ...args(volumeId), '--interval', '100ms');
    await run.printed('"outcome":"copied"');
    for (let round = 0; round < CUTS; round++) {
      const id = 10 + 2 * round;
      const ahead = weak.grpc.receivedBytes + Math.floor(random.nextFloat() * MiB);
      const writing = put(volumeId, id, 2);
      await weak.grpc.received(ahead);
      for (const proxy of [weak.grpc, weak.http]) proxy.cut();
      await writing;
    }
    const { length } = await weak.server.readFile(volumeId, '.dat');
    await waitUntil(
      'the follower has it all',
      async () => (await copy.readFile(volumeId, '.dat')).length >= length,
    );
    run.process.kill('SIGTERM');
    expect((await run.ended).exitCode).toBe(0);
    await expectEqual(volumeId);
  });
});

describe('a link that stands still', () => {
  it('for some seconds, in the middle of a copy: the run goes on when it does', async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, VOLUME_MIB);
    weak.grpc.throttle(16 * MiB);
    const run = startHoldfast('backup', ...args(volumeId));
    await weak.grpc.received(weak.grpc.receivedBytes + 4 * MiB);
    weak.grpc.stall();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(run.process.exitCode).toBeNull();
    weak.grpc.resume();
    expect(await run.ended).toMatchObject({ exitCode: 0, summary: { ok: true } });
    expect(await copy.differences(volumeId)).toEqual([]);
  });

  it('holds up the volumes of its own server alone', async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, VOLUME_MIB);
    const other = await allocate(sound);
    await put(other, 1, 1, sound);
    weak.grpc.throttle(16 * MiB);
    const run = startHoldfast('follow', ...args(volumeId, other), '--interval', '100ms');
    await weak.grpc.received(weak.grpc.receivedBytes + 4 * MiB);
    for (const proxy of [weak.grpc, weak.http]) proxy.stall();
    await run.printed(`"id":${other},`);
    const others = await createWeedFollower(sound, { directory });
    for (let id = 2; id < 6; id++) {
      await put(other, id, 1, sound);
      const { length } = await sound.readFile(other, '.dat');
      await waitUntil(
        'the other volume',
        async () => (await others.readFile(other, '.dat')).length >= length,
      );
    }
    for (const proxy of [weak.grpc, weak.http]) proxy.resume();
    await run.printed(`"id":${volumeId},`);
    run.process.kill('SIGTERM');
    expect((await run.ended).exitCode).toBe(0);
    await expectEqual(volumeId);
    expect(await others.differences(other)).toEqual([]);
  });

  if (WAITS_FOR_SILENCE)
    it('for good: connections that say nothing are given up, and so is the run', {
      timeout: 600_000,
    }, async () => {
      const volumeId = await allocate();
      await put(volumeId, 1, VOLUME_MIB);
      weak.grpc.throttle(4 * MiB);
      const run = startHoldfast('backup', ...args(volumeId));
      await weak.grpc.received(weak.grpc.receivedBytes + 2 * MiB);
      // Those that are open now, and every one after them.
      const stalling = setInterval(() => weak.grpc.stall(), 20);
      try {
        expect(await run.ended).toMatchObject({
          exitCode: 4,
          summary: { ok: false, volumes: [{ code: 'leader-unreachable' }] },
        });
      } finally {
        clearInterval(stalling);
      }
      weak.grpc.cut();
      weak.grpc.throttle(undefined);
      await expectEqual(volumeId);
    });
});

describe('a slow link', () => {
  it('brings everything, by the rate that it has', async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, 4);
    weak.grpc.throttle(MiB);
    expect(await runHoldfast('backup', ...args(volumeId))).toMatchObject({
      exitCode: 0,
      summary: { ok: true },
    });
    expect(await copy.differences(volumeId)).toEqual([]);
  });

  it('breaks every 3 MiB: a first copy, an append and a rebase get there', { timeout: 180_000 }, async () => {
    const volumeId = await allocate();
    weak.grpc.throttle(6 * MiB);
    await put(volumeId, 1, 6);
    await expectConverges(volumeId, 3 * MiB);
    await put(volumeId, 7, 4);
    await expectConverges(volumeId, 3 * MiB);
    await put(volumeId, 1, 3);
    await weak.server.vacuum(volumeId);
    await expectConverges(volumeId, 3 * MiB);
  });

  if (IS_SLOW)
    it.each([
      { rateKib: 100, mib: 12 },
      { rateKib: 20, mib: 3 },
    ])(
      '$rateKib KiB/s: a first copy and a rebase of $mib MiB',
      { timeout: 900_000 },
      async ({ rateKib, mib }) => {
        const volumeId = await allocate();
        await put(volumeId, 1, mib);
        weak.grpc.throttle(rateKib * 1024);
        for (const outcome of ['copied', 'rebased']) {
          const { exitCode, summary } = await runHoldfast('backup', ...args(volumeId));
          expect({ exitCode, summary }).toMatchObject({ exitCode: 0, summary: { volumes: [{ outcome }] } });
          expect(await copy.differences(volumeId)).toEqual([]);
          await put(volumeId, 1, 1);
          await weak.server.vacuum(volumeId);
        }
      },
    );

  it('SIGTERM in the middle of a copy: follow ends with 0, and the next run goes on where it was', async () => {
    const volumeId = await allocate();
    await put(volumeId, 1, VOLUME_MIB);
    weak.grpc.throttle(8 * MiB);
    const run = startHoldfast('follow', ...args(volumeId));
    const before = weak.grpc.receivedBytes;
    await weak.grpc.received(before + 14 * MiB);
    run.process.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ exitCode: 0, stderr: '' });
    weak.grpc.throttle(undefined);
    await expectEqual(volumeId);
    // A copy is made durable every 8 MiB: what came after that is all that is read again.
    expect(weak.grpc.receivedBytes - before).toBeLessThan((2 * VOLUME_MIB - 6) * MiB);
  });
});
