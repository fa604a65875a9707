import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatFileId } from '@holdfast/format';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

const LONG_TEXT = 'compressible '.repeat(500);

let cluster: WeedCluster;
let leader: WeedVolumeServer;
let outside: string;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  leader = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
  for (const [volumeId, collection] of [
    [1, ''],
    [2, 'pictures'],
    [3, 'pictures'],
  ] as const) {
    await leader.allocate(volumeId, { collection });
    for (let id = 1n; id <= 4n; id++)
      await leader.put(volumeId, id, new TextEncoder().encode(`needle ${id} of ${volumeId}`));
    await cluster.waitForVolume(volumeId);
  }
  const body = new FormData();
  body.set('file', new Blob([LONG_TEXT], { type: 'text/plain' }), 'long.txt');
  const uploaded = await fetch(`http://${leader.httpAddress}/${fid(1, 9n)}`, { method: 'POST', body });
  expect(uploaded.status).toBe(201);
  await backUp();
});

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'holdfast-restored-'));
});

afterEach(async () => {
  leader.assertAlive();
  await rm(outside, { recursive: true });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function backUp(): Promise<void> {
  const run = await runHoldfast('backup', '--master', cluster.masterAddress, '--dir', directory);
  expect(run.exitCode).toBe(0);
}

const restore = (...args: readonly string[]) => runHoldfast('restore', '--dir', directory, '--json', ...args);

const fid = (volumeId: number, needleId: bigint): string =>
  formatFileId({ volumeId, needleId, cookie: Number(needleId) });

it('a collection, or all: files and manifests of each volume', async () => {
  const out = join(outside, 'new');
  const some = await restore('--collection', 'pictures', '--out', out);
  expect(some).toMatchObject({
    exitCode: 0,
    summary: { ok: true, volumes: [{ id: 2, collection: 'pictures', liveNeedles: 4 }, { id: 3 }] },
  });
  expect((await readdir(out)).sort()).toEqual(
    ['pictures_2', 'pictures_3'].flatMap((name) =>
      ['.dat', '.idx', '.restored.json', '.vif'].map((suffix) => name + suffix),
    ),
  );
  // Volumes that are there keep the others from nothing.
  const all = await restore('--all', '--out', out);
  expect(all).toMatchObject({ exitCode: 6, summary: { ok: false } });
  expect(all.summary?.volumes).toMatchObject([
    { id: 1, ok: true },
    { id: 2, ok: false, code: 'exists' },
    { id: 3, ok: false, code: 'exists' },
  ]);
});

it('a dry run tells bytes and space, and writes nothing', async () => {
  const out = join(outside, 'new');
  const run = await restore('--all', '--out', out, '--dry-run');
  expect(run).toMatchObject({ exitCode: 0, summary: { ok: true, dryRun: true } });
  const { neededBytes, freeBytes } = run.summary as { neededBytes: number; freeBytes: number };
  expect(neededBytes).toBeGreaterThan(100);
  expect(freeBytes).toBeGreaterThan(neededBytes);
  expect(await readdir(outside)).toEqual([]);
  const full = await restore('--all', '--out', out, '--min-free', '1000TiB');
  expect(full).toMatchObject({ exitCode: 6, summary: { ok: false, code: 'no-space' } });
  expect(await readdir(outside)).toEqual([]);
});

it('an instant that no commit covers: 2, with what is covered', async () => {
  const run = await restore('--volume', '1', '--out', outside, '--as-of', '2020-01-01T00:00:00Z');
  expect(run.exitCode).toBe(2);
  expect(run.summary).toMatchObject({
    ok: false,
    volumes: [
      {
        id: 1,
        code: 'not-covered',
        covered: [{ generation: 1, revision: 0, from: expect.stringMatching(/Z$/), until: null }],
      },
    ],
  });
  expect(await readdir(outside)).toEqual([]);
});

it('one file by its id, unpacked and under its name; deleted since, it comes from where it still is', async () => {
  const args = ['--needle', fid(1, 9n), '--out', outside];
  expect(await restore(...args, '--dry-run')).toMatchObject({
    exitCode: 0,
    summary: { isLive: true, file: { name: 'long.txt', sizeBytes: LONG_TEXT.length } },
  });
  const before = new Date().toISOString();
  await leader.delete(1, 9n);
  await leader.vacuum(1);
  await backUp();
  const after = new Date().toISOString();
  expect(await restore(...args, '--as-of', after)).toMatchObject({
    exitCode: 2,
    summary: { code: 'needle-not-found' },
  });
  expect(await restore(...args)).toMatchObject({
    exitCode: 0,
    summary: { ok: true, generation: 1, isLive: false, file: { name: 'long.txt' } },
  });
  expect(await readFile(join(outside, 'long.txt'), 'utf8')).toBe(LONG_TEXT);
  expect((await restore(...args, '--as-of', before)).exitCode).toBe(6);
  expect(await readdir(outside)).toEqual(['long.txt']);
});

it.each([
  [[]],
  [['--all', '--volume', '1']],
  [['--volume', '1', '--as-of', 'yesterday']],
  [['--needle', '1']],
  [['--needle', '1,0100000001', '--all']],
  [['--needle', '99,0100000001']],
])('a command line that says too little or too much: %j', async (args) => {
  const run = await restore('--out', outside, ...args);
  expect(run.exitCode).toBe(2);
  expect(run.stderr.trim().split('\n')).toHaveLength(1);
});

it('verify --restore-sample restores, reads and tidies up; damage that it meets is 5', async () => {
  const temporary = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('holdfast-sample-'));
  const left = await temporary();
  const good = await runHoldfast('verify', '--dir', directory, '--restore-sample', '2', '--json');
  expect(good).toMatchObject({
    exitCode: 0,
    summary: {
      ok: true,
      restored: [
        { ok: true, needlesRead: 4 },
        { ok: true, needlesRead: 4 },
      ],
    },
  });
  const read = good.summary?.restored as { needlesRead: number }[];
  for (const { needlesRead } of read) expect(needlesRead).toBeGreaterThan(3);
  const dat = join(directory, 'pictures_2.dat');
  const whole = await readFile(dat);
  await truncate(dat, whole.length - 8);
  const bad = await runHoldfast(
    ...['verify', '--dir', directory, '--volume', '2', '--restore-sample', '1', '--json'],
  );
  expect(bad).toMatchObject({ exitCode: 5, summary: { ok: false, restored: [{ ok: false, damage: 0 }] } });
  await writeFile(dat, whole);
  // What is kept of the times before is looked at, too.
  const former = join(directory, '.holdfast/1/1/1.dat');
  const kept = await readFile(former);
  kept[kept.length - 20]! ^= 1;
  await writeFile(former, kept);
  expect(await runHoldfast('verify', '--dir', directory, '--volume', '1', '--json')).toMatchObject({
    exitCode: 5,
    stdout: expect.stringContaining('"file":"dat of generation 1"'),
  });
  expect(await temporary()).toEqual(left);
});
