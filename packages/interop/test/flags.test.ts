import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const KiB = 1024;
const VOLUMES = 5;
const random = createSeededRandom(31);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;
let copy: WeedFollower;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  for (let id = 1; id <= VOLUMES; id++) {
    await server.allocate(id, id === VOLUMES ? { collection: 'pictures' } : {});
    await server.put(id, 1n, random.bytes(100 * KiB));
    await cluster.waitForVolume(id);
  }
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-flags-'));
  copy = await createWeedFollower(server, { directory });
});

afterEach(async () => {
  server.assertAlive();
  await rm(directory, { recursive: true });
});

afterAll(() => cluster?.stop());

const backup = (...more: readonly string[]) =>
  runHoldfast('backup', '--master', cluster.masterAddress, '--dir', directory, '--json', ...more);

const copied = async () =>
  (await readdir(directory))
    .filter((name) => name.endsWith('.dat'))
    .map((name) => name.replace('.dat', ''))
    .sort();

it('--volume by ids and ranges, --exclude, --collection: these volumes and no others', async () => {
  expect((await backup('--volume', '1,3-4', '--exclude', '3')).exitCode).toBe(0);
  expect(await copied()).toEqual(['1', '4']);
  expect((await backup('--collection', 'pictures')).exitCode).toBe(0);
  expect(await copied()).toEqual(['1', '4', 'pictures_5']);
  expect((await backup('--exclude', '2')).exitCode).toBe(0);
  expect(await copied()).toEqual(['1', '3', '4', 'pictures_5']);
});

it('--max-rate: no more a second than that, all volumes together', async () => {
  const startedAtMs = performance.now();
  const run = await backup('--volume', '1-3', '--max-rate', '100KiB');
  const seconds = (performance.now() - startedAtMs) / 1000;
  expect(run).toMatchObject({ exitCode: 0, summary: { ok: true } });
  // What the first second gives at once is left out.
  expect(seconds).toBeGreaterThan((3 * 100 * KiB) / (100 * KiB) - 1);
});

it('--vacuum-wait 0s: beside an open compaction whole files are copied at once', async () => {
  expect((await backup('--volume', '1')).exitCode).toBe(0);
  await server.put(1, 2n, random.bytes(KiB));
  await server.compact(1);
  const run = await backup('--volume', '1', '--vacuum-wait', '0s');
  expect(run).toMatchObject({
    exitCode: 0,
    summary: { volumes: [{ outcome: 'rebased', plan: { way: 'whole' } }] },
  });
  expect(await copy.differences(1)).toEqual([]);
  await server.cleanup(1);
});

it('--prune: the copy of a volume that is gone is removed when its time is over, and only then', async () => {
  expect((await backup('--volume', '1-2')).exitCode).toBe(0);
  const gone = 9;
  await server.allocate(gone);
  await server.put(gone, 1n, random.bytes(KiB));
  await cluster.waitForVolume(gone);
  expect((await backup('--volume', `1-2,${gone}`)).exitCode).toBe(0);
  await server.deleteVolume(gone);
  await cluster.waitForCopies(gone, []);
  const selection = ['--volume', '1-9', '--exclude', '3-8'];
  for (const flags of [[], ['--prune'], ['--prune-after', '0s']]) {
    expect((await backup(...selection, ...flags)).exitCode).toBe(0);
    expect(await copied(), `${flags}`).toEqual(['1', '2', '9']);
  }
  const pruned = await backup(...selection, '--prune', '--prune-after', '0s');
  expect(pruned.exitCode).toBe(0);
  expect(await copied()).toEqual(['1', '2']);
});

it('flags come from HOLDFAST_* too, and the command line goes first', async () => {
  const variables = {
    HOLDFAST_MASTER: cluster.masterAddress,
    HOLDFAST_DIR: directory,
    HOLDFAST_VOLUME: '1,2',
  };
  Object.assign(process.env, variables);
  try {
    expect((await runHoldfast('backup', '--volume', '3')).exitCode).toBe(0);
    expect(await copied()).toEqual(['3']);
    expect((await runHoldfast('backup')).exitCode).toBe(0);
    expect(await copied()).toEqual(['1', '2', '3']);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
});
