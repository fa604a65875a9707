import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningHoldfast, runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower } from '../src/weed-follower.js';

const VOLUME_ID = 1;
const text = (content: string) => new TextEncoder().encode(content);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-two-'));
  await server.allocate(VOLUME_ID);
  await server.put(VOLUME_ID, 1n, text('first'));
  await cluster.waitForVolume(VOLUME_ID);
});

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

const args = () => ['--master', cluster.masterAddress, '--dir', directory, '--json'];
const follow = () => startHoldfast('follow', ...args(), '--interval', '100ms');

it('one works, others exit 3 at once and change nothing; of a holder that is dead the lock is taken at once', async () => {
  const first = follow();
  await first.printed('"outcome":"copied"');
  for (const verb of ['follow', 'backup']) {
    const other = await runHoldfast(verb, ...args());
    expect(other, verb).toMatchObject({ exitCode: 3, summary: { ok: false, code: 'locked' } });
    expect(other.stderr).toContain(`process ${first.process.pid}`);
    expect(other.stderr.trim().split('\n')).toHaveLength(1);
  }
  expect(first.process.exitCode).toBeNull();
  await server.put(VOLUME_ID, 2n, text('second'));
  await first.printed('"outcome":"appended"');
  first.process.kill('SIGKILL');
  await first.ended;
  const next = follow();
  await next.printed('"outcome":"idle"');
  await server.put(VOLUME_ID, 3n, text('third'));
  await next.printed('"outcome":"appended"');
  next.process.kill('SIGTERM');
  expect(await next.ended).toMatchObject({ exitCode: 0, stderr: '' });
});

it('of many that start together one works, and the copy is the leader’s', async () => {
  const runs: RunningHoldfast[] = Array.from({ length: 6 }, () => startHoldfast('backup', ...args()));
  const exitCodes = (await Promise.all(runs.map(({ ended }) => ended))).map(({ exitCode }) => exitCode);
  expect(exitCodes).toContain(0);
  expect(exitCodes.filter((code) => code !== 0 && code !== 3)).toEqual([]);
  const copy = await createWeedFollower(server, { directory });
  expect(await copy.differences(VOLUME_ID)).toEqual([]);
  server.assertAlive();
});
