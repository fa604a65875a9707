import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningHoldfast, runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { type ProxiedServer, startProxiedServer } from '../src/proxied-server.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
/** Of `backup`; three fifths as many of `follow`, two fifths of `restore`. `npm run check` asks for more. */
const KILLS = Number(process.env.HOLDFAST_KILLS ?? 5);
const FIRST_MIB = 48;
const MIB_A_KILL = 4;
const VOLUME_ID = 1;
const SEED = 61;
/** By when a process that was not told to die earlier is well into a run, or through with it. */
const GREATEST_AGE_MS = 1200;

const random = createSeededRandom(SEED);
const noise = random.bytes(MiB);
let cluster: WeedCluster;
let proxied: ProxiedServer;
let server: WeedVolumeServer;
let copy: WeedFollower;
let outside: string;
let nextNeedleId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  proxied = await startProxiedServer(cluster);
  server = proxied.server;
  copy = await createWeedFollower(server);
  outside = await mkdtemp(join(tmpdir(), 'holdfast-restored-'));
  await server.allocate(VOLUME_ID);
  await cluster.waitForVolume(VOLUME_ID);
  await putMebibytes(FIRST_MIB);
});

afterAll(async () => {
  await proxied?.close();
  await copy?.remove();
  await cluster?.stop();
  await rm(outside, { recursive: true, force: true });
});

async function putMebibytes(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const content = noise.slice();
    new DataView(content.buffer).setFloat64(0, random.nextFloat());
    expect((await server.put(VOLUME_ID, BigInt(nextNeedleId++), content)).status).toBe(201);
  }
}

const clusterArgs = () => ['--master', cluster.masterAddress, '--dir', copy.directory, '--json'];
const backup = () => startHoldfast('backup', ...clusterArgs());

/** Kills a run at an age, or when it has received so much. `null`: it lived till then; else what it ended with. */
async function kill(run: RunningHoldfast, isByAge: boolean): Promise<number | null> {
  const most = (MIB_A_KILL + FIRST_MIB / 4) * MiB;
  const at = proxied.grpc.receivedBytes + Math.floor(random.nextFloat() * most);
  const ageMs = Math.floor(random.nextFloat() * GREATEST_AGE_MS);
  const age = new Promise((resolve) => setTimeout(resolve, isByAge ? ageMs : 2 * GREATEST_AGE_MS));
  await Promise.race([age, run.ended, ...(isByAge ? [] : [proxied.grpc.received(at)])]);
  run.process.kill('SIGKILL');
  return (await run.ended).exitCode;
}

/** What every kill has to leave: a plain run at once ends equal, and what is held is what its digests say. */
async function expectEqualAfterPlainRun(): Promise<void> {
  const { exitCode, summary } = await backup().ended;
  expect({ exitCode, summary }).toMatchObject({ exitCode: 0, summary: { ok: true } });
  expect(await copy.differences(VOLUME_ID)).toEqual([]);
  expect(await runHoldfast('verify', '--dir', copy.directory, '--json')).toMatchObject({ exitCode: 0 });
}

it(`${KILLS} backups killed at random moments, then a plain one: equal, and little was read twice (seed ${SEED})`, {
  timeout: 60_000 + KILLS * 5000,
}, async () => {
  for (let run = 0, kills = 0; kills < KILLS; run++) {
    expect(run, 'runs for so many kills').toBeLessThan(4 * KILLS);
    const exitCode = await kill(backup(), run % 2 === 0);
    // One that ends before it is killed was only short.
    expect([null, 0]).toContain(exitCode);
    if (exitCode === null) kills++;
    await putMebibytes(MIB_A_KILL);
    await server.delete(VOLUME_ID, BigInt(nextNeedleId - 2));
  }
  await expectEqualAfterPlainRun();
  const { length } = await server.readFile(VOLUME_ID, '.dat');
  expect(proxied.grpc.receivedBytes).toBeLessThanOrEqual(2 * length + KILLS * 8 * MiB);
  await server.assertStaysAlive();
});

const FOLLOW_KILLS = Math.round(0.6 * KILLS);

it(`${FOLLOW_KILLS} followers killed while the leader is written to and compacted: each next one works at once, the copy is equal`, {
  timeout: 60_000 + KILLS * 8000,
}, async () => {
  const copied = async () => {
    await putMebibytes(2);
    await server.delete(VOLUME_ID, BigInt(nextNeedleId - 3));
  };
  for (let kills = 0; kills < FOLLOW_KILLS; kills++) {
    const run = startHoldfast('follow', ...clusterArgs(), '--interval', '100ms');
    const work = kills % 3 === 2 ? server.vacuum(VOLUME_ID) : copied();
    // A follower does not end by itself: one that found the lock taken would.
    expect(await kill(run, kills % 2 === 0)).toBeNull();
    await work;
    if (kills % 10 === 9) await expectEqualAfterPlainRun();
  }
  await expectEqualAfterPlainRun();
  await server.assertStaysAlive();
});

const RESTORE_KILLS = Math.round(0.4 * KILLS);

it(`${RESTORE_KILLS} restores killed: what has a name is whole, and the next restore makes the rest`, {
  timeout: 60_000 + KILLS * 5000,
}, async () => {
  await expectEqualAfterPlainRun();
  const names = ['.dat', '.idx', '.vif', '.restored.json'].map((ext) => `${VOLUME_ID}${ext}`);
  const expected = new Map([
    [names[0], await copy.readFile(VOLUME_ID, '.dat')],
    [names[1], await copy.readFile(VOLUME_ID, '.idx')],
  ]);
  for (let kills = 0, run = 0; kills < RESTORE_KILLS; run++) {
    expect(run, 'runs for so many kills').toBeLessThan(4 * KILLS);
    const out = join(outside, `${run}`);
    const args = ['restore', '--dir', copy.directory, '--volume', `${VOLUME_ID}`, '--out', out, '--json'];
    if ((await kill(startHoldfast(...args), true)) === null) kills++;
    const named = (await readdir(out).catch(() => [])).filter((name) => names.includes(name));
    for (const [name, bytes] of expected)
      if (named.includes(name!))
        expect((await readFile(join(out, name!))).equals(bytes), `${run}: ${name}`).toBe(true);
    // Its manifest comes last: without it the restore is not through, and is made again.
    if (!named.includes(names.at(-1)!)) expect(await runHoldfast(...args)).toMatchObject({ exitCode: 0 });
    for (const [name, bytes] of expected)
      expect((await readFile(join(out, name!))).equals(bytes), `${run}, again: ${name}`).toBe(true);
    await rm(out, { recursive: true, force: true });
  }
});
