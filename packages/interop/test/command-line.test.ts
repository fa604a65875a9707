import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { tableLives } from '../src/table-lives.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const LIVES = [
  'overwrite, vacuum, nothing',
  'writes during a vacuum',
  'empty files',
  'version 2',
  'a collection',
];

/** A file system of its own takes root. */
const canMount = process.getuid?.() === 0;

let cluster: WeedCluster;
let server: WeedVolumeServer;
let copy: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  copy = await createWeedFollower(server);
});

afterEach(() => server.assertAlive());

afterAll(async () => {
  await copy?.remove();
  await cluster?.stop();
});

const backup = (volumeId: number, ...more: readonly string[]) =>
  runHoldfast(
    'backup',
    '--master',
    cluster.masterAddress,
    '--dir',
    copy.directory,
    '--volume',
    `${volumeId}`,
    '--json',
    ...more,
  );

async function filledVolume(): Promise<number> {
  const volumeId = nextVolumeId++;
  await server.allocate(volumeId);
  for (let id = 1n; id <= 6n; id++) await server.put(volumeId, id, new TextEncoder().encode(`needle ${id}`));
  await cluster.waitForVolume(volumeId);
  return volumeId;
}

describe('backup of a real cluster by the command line', () => {
  for (const { name, allocate = {}, steps } of tableLives.filter((life) => LIVES.includes(life.name))) {
    it(`${name}: equal after each step, no record moved by a second run, verified`, async () => {
      const volumeId = nextVolumeId++;
      const { collection = '' } = allocate;
      await server.allocate(volumeId, allocate);
      await cluster.waitForVolume(volumeId);
      for (const [i, step] of steps.entries()) {
        await step(server, volumeId);
        const run = await backup(volumeId);
        expect(run, `step ${i}`).toMatchObject({
          exitCode: 0,
          summary: { ok: true, volumes: [{ id: volumeId, ok: true }] },
        });
        expect(await copy.differences(volumeId, collection), `step ${i}`).toEqual([]);
        const again = await backup(volumeId);
        expect(again.summary, `step ${i}, again`).toMatchObject({ ok: true, volumes: [{ outcome: 'idle' }] });
      }
      const verified = await runHoldfast(
        'verify',
        '--dir',
        copy.directory,
        '--volume',
        `${volumeId}`,
        '--master',
        cluster.masterAddress,
        '--json',
      );
      expect(verified).toMatchObject({ exitCode: 0, summary: { ok: true } });
    });
  }

  it('follow picks up writes and new volumes, and ends with 0 on SIGTERM; meanwhile the directory is locked', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-follow-'));
    const volumeId = await filledVolume();
    const args = [
      '--master',
      cluster.masterAddress,
      '--dir',
      directory,
      '--volume',
      `${volumeId}-${volumeId + 1}`,
    ];
    const following = startHoldfast('follow', ...args, '--interval', '100ms', '--json');
    await following.printed('"outcome":"copied"');
    const locked = await runHoldfast('backup', ...args.slice(0, 4));
    expect(locked.exitCode).toBe(3);
    expect(locked.stderr.trim().split('\n')).toHaveLength(1);
    await server.put(volumeId, 99n, new TextEncoder().encode('one more'));
    await following.printed('"outcome":"appended"');
    const added = await filledVolume();
    await following.printed(`"id":${added},`);
    following.process.kill('SIGTERM');
    expect(await following.ended).toMatchObject({ exitCode: 0, summary: { ok: true } });
    const follower = await createWeedFollower(server, { directory });
    expect(await follower.differences(volumeId)).toEqual([]);
    expect(await follower.differences(added)).toEqual([]);
    await follower.remove();
  });
});

describe('what goes wrong has its exit code and one line', () => {
  const expectOneLine = (stderr: string): void => {
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('    at ');
  };

  it('a master that is down: 4', async () => {
    const run = await runHoldfast('backup', '--master', '127.0.0.1:1', '--dir', copy.directory);
    expect(run.exitCode).toBe(4);
    expectOneLine(run.stderr);
  });

  it('a volume that the cluster does not know: 2', async () => {
    const run = await runHoldfast(
      'backup',
      '--master',
      cluster.masterAddress,
      '--dir',
      copy.directory,
      '--volume',
      '4711',
    );
    expect(run.exitCode).toBe(2);
    expectOneLine(run.stderr);
  });

  it('a directory that a volume server has run in: 3; taken over on demand, what was there kept', async () => {
    const volumeId = await filledVolume();
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-served-'));
    await writeFile(join(directory, 'vol_dir.uuid'), 'a3f1');
    const args = ['backup', '--master', cluster.masterAddress, '--dir', directory, '--volume', `${volumeId}`];
    const refused = await runHoldfast(...args);
    expect(refused.exitCode).toBe(3);
    expectOneLine(refused.stderr);
    const taken = await runHoldfast(...args, '--take-over');
    expect(taken.exitCode).toBe(0);
    await rm(directory, { recursive: true });
  });

  it('files that are no volume lie in the place of one: a copy is built, they are kept', async () => {
    const volumeId = await filledVolume();
    await writeFile(join(copy.directory, `${volumeId}.dat`), 'no volume at all');
    await writeFile(join(copy.directory, `${volumeId}.idx`), 'nor an index');
    expect(await backup(volumeId)).toMatchObject({
      exitCode: 0,
      summary: { volumes: [{ outcome: 'rebased' }] },
    });
    expect(await copy.differences(volumeId)).toEqual([]);
  });

  it('too little space: 6, and the copy stays as it was', async () => {
    const volumeId = await filledVolume();
    expect((await backup(volumeId)).exitCode).toBe(0);
    await server.vacuum(volumeId);
    const full = await backup(volumeId, '--min-free', '1000TiB');
    expect(full).toMatchObject({ exitCode: 6, summary: { ok: false, volumes: [{ code: 'no-space' }] } });
    expect((await backup(volumeId)).exitCode).toBe(0);
    expect(await copy.differences(volumeId)).toEqual([]);
  });

  it('most needles gone from the leader: 7, followed all the same, the former state kept', async () => {
    const volumeId = await filledVolume();
    expect((await backup(volumeId)).exitCode).toBe(0);
    const before = await readFile(join(copy.directory, `${volumeId}.dat`));
    for (let id = 1n; id <= 5n; id++) await server.delete(volumeId, id);
    await server.vacuum(volumeId);
    const guarded = await backup(volumeId);
    expect(guarded).toMatchObject({ exitCode: 7, summary: { ok: true, volumes: [{ outcome: 'rebased' }] } });
    expect(await copy.differences(volumeId)).toEqual([]);
    await backup(volumeId, '--keep-for', '0s', '--keep-generations', '0');
    const kept = join(copy.directory, '.holdfast', `${volumeId}`, '1', `${volumeId}.dat`);
    expect(Buffer.compare(await readFile(kept), before)).toBe(0);
  });

  it('an index whose width contradicts its .vif and its records: 5', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-width-'));
    const fixture = join(import.meta.dirname, '../../testkit/fixtures/bad-vif-bytesoffset-mismatch-o5');
    for (const name of (await readdir(fixture)).filter((file) => /^[0-9]+[.]/.test(file)))
      await copyFile(join(fixture, name), join(directory, name));
    const verified = await runHoldfast('verify', '--dir', directory);
    expect({ code: verified.exitCode, output: verified.stdout + verified.stderr }).toMatchObject({ code: 5 });
    expect(verified.stdout + verified.stderr).toContain('width');
    await rm(directory, { recursive: true });
  });

  it('a directory that cannot be written: 6', async () => {
    const run = await runHoldfast('backup', '--master', cluster.masterAddress, '--dir', '/sys/holdfast');
    expect(run.exitCode).toBe(6);
    expectOneLine(run.stderr);
  });

  it.skipIf(!canMount)(
    'a disk that fills in the middle: 6, and what was proved before is whole',
    async () => {
      const volumeId = await filledVolume();
      const directory = await mkdtemp(join(tmpdir(), 'holdfast-full-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
      try {
        const args = [
          'backup',
          '--master',
          cluster.masterAddress,
          '--dir',
          directory,
          '--volume',
          `${volumeId}`,
        ];
        expect((await runHoldfast(...args, '--min-free', '0')).exitCode).toBe(0);
        const before = await readFile(join(directory, `${volumeId}.dat`));
        for (let id = 20n; id < 30n; id++) await server.put(volumeId, id, randomBytes(200_000));
        for (const minFree of ['0', '1B']) {
          const full = await runHoldfast(...args, '--min-free', minFree);
          expect(full.exitCode).toBe(6);
          expect(full.stdout).toContain('no-space');
        }
        const after = await readFile(join(directory, `${volumeId}.dat`));
        expect(Buffer.compare(after.subarray(0, before.length), before)).toBe(0);
        expect((await runHoldfast('verify', '--dir', directory)).exitCode).toBe(0);
      } finally {
        execFileSync('umount', [directory]);
        await rm(directory, { recursive: true });
      }
    },
  );
});
