import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower } from '../src/weed-follower.js';

/** What the real server takes for a collection's name, and a file can be named after. */
const ODD = ['a b', 'ünï', '1_2', '.hidden', '-dash', 'a..b', '%41', "it's", 'x'.repeat(200)];
/** What it takes, too, and no file should be named after. */
const UNSAFE = ['a\\b', '..', 'a\nb'];
const FIRST_UNSAFE = 1 + ODD.length;

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-odd-'));
  for (const [i, collection] of [...ODD, ...UNSAFE].entries()) {
    await server.allocate(1 + i, { collection });
    await server.put(1 + i, 1n, new TextEncoder().encode(`of ${collection}`));
    await cluster.waitForVolume(1 + i);
  }
});

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

const args = () => ['--master', cluster.masterAddress, '--dir', directory, '--json'];

it('collections of odd names are followed; those that no file can be named after are named, and stop no other', async () => {
  const copy = await createWeedFollower(server, { directory });
  for (const outcome of ['copied', 'idle']) {
    const { exitCode, stderr, summary } = await runHoldfast('backup', ...args());
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    const volumes = summary?.volumes as readonly Record<string, unknown>[];
    const expected = [
      ...ODD.map((collection) => ({ collection, outcome, ok: true })),
      ...UNSAFE.map((collection) => ({ collection, outcome: 'unsupported', ok: false, code: 'unsupported' })),
    ];
    expect(volumes).toEqual(expected.map((volume) => expect.objectContaining(volume)));
    for (const [i, collection] of ODD.entries())
      expect(await copy.differences(1 + i, collection), collection).toEqual([]);
  }
  expect((await readdir(directory)).filter((name) => name.endsWith('.dat'))).toHaveLength(ODD.length);
  expect((await runHoldfast('backup', ...args(), '--dry-run')).exitCode).toBe(1);
  const excluded = ['--exclude', `${FIRST_UNSAFE}-${FIRST_UNSAFE + UNSAFE.length - 1}`];
  expect((await runHoldfast('backup', ...args(), ...excluded)).exitCode).toBe(0);
  expect((await runHoldfast('verify', ...args())).exitCode).toBe(0);
  server.assertAlive();
});

it('follow tells each of them once, and follows the others', async () => {
  const following = startHoldfast('follow', ...args(), '--interval', '100ms');
  await following.printed('"outcome":"idle"');
  await server.put(1, 2n, new TextEncoder().encode('one more'));
  await following.printed('"outcome":"appended"');
  following.process.kill('SIGTERM');
  const { exitCode, stdout } = await following.ended;
  expect(exitCode).toBe(0);
  expect(stdout.split('"outcome":"unsupported"')).toHaveLength(1 + UNSAFE.length);
});
