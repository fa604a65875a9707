import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster } from '../src/index.js';

const VERIFICATIONS = 8;

it('verify looks at one generation, whatever a follower does with the files meanwhile', async () => {
  const cluster = await startWeedCluster();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-beside-'));
  const [leader] = cluster.servers;
  await leader!.allocate(1);
  await leader!.put(1, 1n, randomBytes(2_000_000));
  await cluster.waitForVolume(1);
  const args = ['--master', cluster.masterAddress, '--dir', directory, '--interval', '100ms', '--json'];
  const following = startHoldfast('follow', ...args);
  let isOver = false;
  try {
    await following.printed('"outcome":"copied"');
    const life = (async () => {
      for (let id = 2n; !isOver; id++) {
        await leader!.put(1, 1n + (id % 20n), randomBytes(100_000));
        await leader!.vacuum(1);
      }
    })();
    for (let i = 0; i < VERIFICATIONS; i++) {
      const run = await runHoldfast('verify', '--dir', directory, '--restore-sample', '1', '--json');
      expect(run, run.stdout).toMatchObject({ exitCode: 0, summary: { ok: true, restored: [{ ok: true }] } });
    }
    isOver = true;
    await life;
    await following.printed('"outcome":"rebased"');
  } finally {
    isOver = true;
    following.process.kill('SIGTERM');
    await following.ended;
    await cluster.stop();
    await rm(directory, { recursive: true });
  }
});
