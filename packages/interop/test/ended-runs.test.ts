import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holdfastProgram, runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';
import { mountSmallDisk, type SmallDisk } from '../src/small-disk.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const KiB = 1024;
const VOLUME_ID = 1;
const random = createSeededRandom(29);
const disk: SmallDisk | undefined = await mountSmallDisk(1024 * KiB);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;
let copy: WeedFollower;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  await server.allocate(VOLUME_ID);
  for (let id = 1n; id <= 20n; id++) await server.put(VOLUME_ID, id, random.bytes(100 * KiB));
  await cluster.waitForVolume(VOLUME_ID);
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-ended-'));
  copy = await createWeedFollower(server, { directory });
});

afterEach(async () => {
  server.assertAlive();
  await copy.remove();
});

afterAll(async () => {
  await cluster?.stop();
  await disk?.remove();
});

const backupArgs = (into = directory) => ['backup', '--master', cluster.masterAddress, '--dir', into];
const slowly = ['--max-rate', '400k'];

/** A run of the command line whose output goes where the test says, to its end. */
async function runInto(stdout: number | 'pipe', ...args: readonly string[]) {
  const child = spawn(process.execPath, [holdfastProgram, ...args], { stdio: ['ignore', stdout, 'pipe'] });
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  // The reader goes away before the first line.
  child.stdout?.destroy();
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stderr };
}

async function begun(): Promise<void> {
  const build = join(directory, '.holdfast', `${VOLUME_ID}`, '1');
  await waitUntil('something is copied', async () => (await readdir(build)).includes(`${VOLUME_ID}.dat`));
}

describe('a run that is ended', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`backup by ${signal}: one line that says so, not 0, and the next run goes on`, async () => {
      const running = startHoldfast(...backupArgs(), ...slowly, '--json');
      await begun();
      running.process.kill(signal);
      const { exitCode, stderr, summary } = await running.ended;
      expect(stderr).toMatch(new RegExp(`^holdfast: ended by ${signal} before it was through: [^\\n]+\\n$`));
      expect(stderr).not.toContain('mistake');
      expect({ exitCode, summary }).toMatchObject({
        exitCode: 1,
        summary: { ok: false, code: 'interrupted' },
      });
      expect(await runHoldfast(...backupArgs())).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await copy.differences(VOLUME_ID)).toEqual([]);
    });
});

describe('a follower that is ended', () => {
  it('before its master has answered: in order, 0', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const asked = once(silent, 'connection');
    const args = ['--master', `127.0.0.1:${port}.${port}`, '--dir', directory, '--json'];
    const running = startHoldfast('follow', ...args);
    await asked;
    running.process.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ exitCode: 0, stderr: '', summary: { ok: true } });
    silent.close();
  });
});

describe('a run that nobody hears', () => {
  it('a reader that goes away does not end a backup', async () => {
    expect(await runInto('pipe', ...backupArgs(), ...slowly)).toEqual({ exitCode: 0, stderr: '' });
    expect(await copy.differences(VOLUME_ID)).toEqual([]);
  });

  it('a full disk behind standard output: done, but 6 and one line', async () => {
    const full = await open('/dev/full', 'w');
    const { exitCode, stderr } = await runInto(full.fd, ...backupArgs());
    await full.close();
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^holdfast: standard output cannot be written \(ENOSPC\)[^\n]+\n$/);
    expect(await copy.differences(VOLUME_ID)).toEqual([]);
  });

  it('an archive that could not be written whole is never done: 6', async () => {
    expect((await runHoldfast(...backupArgs())).exitCode).toBe(0);
    const full = await open('/dev/full', 'w');
    const args = ['export', '--dir', directory, '--volume', `${VOLUME_ID}`, '--tar', '-'];
    for (const target of [full.fd, 'pipe'] as const)
      expect(await runInto(target, ...args)).toMatchObject({
        exitCode: 6,
        stderr: expect.stringMatching(/^holdfast: standard output cannot be written[^\n]+\n$/),
      });
    await full.close();
  });
});

describe.skipIf(disk === undefined)('a disk that is too small (needs the right to mount)', () => {
  afterEach(async () => {
    for (const name of await readdir(disk!.directory))
      await rm(join(disk!.directory, name), { recursive: true });
  });

  it('backup without a reserve: 6, in the summary too, though not even the status fits', async () => {
    const into = join(disk!.directory, 'copy');
    const run = await runHoldfast(...backupArgs(into), '--min-free', '0', '--no-pool', '--json');
    expect(run).toMatchObject({ exitCode: 6, summary: { ok: false, volumes: [{ code: 'no-space' }] } });
    expect(run.stderr).not.toContain('mistake');
  });

  it('backup that cannot keep its status: 6, the summary says why, the volumes are there', async () => {
    const small = 2;
    await server.allocate(small);
    await server.put(small, 1n, random.bytes(100));
    await cluster.waitForVolume(small);
    const args = [...backupArgs(join(disk!.directory, 'copy')), '--volume', `${small}`];
    const noReserve = ['--min-free', '0', '--json'];
    expect((await runHoldfast(...args, ...noReserve)).exitCode).toBe(0);
    await disk!.fill();
    await server.put(small, 2n, random.bytes(20 * KiB));
    const run = await runHoldfast(...args, ...noReserve);
    await disk!.free();
    expect(run.exitCode).toBe(6);
    expect(run.stderr.trim().split('\n').length).toBeLessThanOrEqual(1);
    expect(run.stdout + run.stderr).not.toContain('mistake');
    expect((await runHoldfast(...args, ...noReserve)).exitCode).toBe(0);
  });

  it('export: 6, and nothing of half a file is left', async () => {
    expect((await runHoldfast(...backupArgs())).exitCode).toBe(0);
    const archive = join(disk!.directory, 'all.tar');
    const args = ['export', '--dir', directory, '--volume', `${VOLUME_ID}`];
    expect(await runHoldfast(...args, '--tar', archive)).toMatchObject({ exitCode: 6 });
    expect(await readdir(disk!.directory)).toEqual([]);
  });
});

describe('--dry-run', () => {
  const dryRun = (...more: readonly string[]) =>
    runHoldfast(...backupArgs(), '--volume', `${VOLUME_ID}`, '--dry-run', '--json', ...more);
  const foreseen = (outcome: string) => ({
    exitCode: 0,
    summary: { ok: true, dryRun: true, volumes: [{ outcome }] },
  });

  it('tells a first copy, nothing to do, an append and a rebase, and writes nothing', async () => {
    const expectUntouched = async (work: () => Promise<void>) => {
      const before = await readdir(directory, { recursive: true });
      await work();
      expect(await readdir(directory, { recursive: true })).toEqual(before);
    };
    const sync = async () => {
      expect((await runHoldfast(...backupArgs(), '--volume', `${VOLUME_ID}`)).exitCode).toBe(0);
    };
    await expectUntouched(async () => expect(await dryRun()).toMatchObject(foreseen('copied')));
    await sync();
    await expectUntouched(async () => expect(await dryRun()).toMatchObject(foreseen('idle')));
    await server.put(VOLUME_ID, 30n, random.bytes(1000));
    await expectUntouched(async () => expect(await dryRun()).toMatchObject(foreseen('appended')));
    await sync();
    await server.delete(VOLUME_ID, 30n);
    await server.vacuum(VOLUME_ID);
    await expectUntouched(async () => expect(await dryRun()).toMatchObject(foreseen('rebased')));
    await sync();
  });

  it('too little space is foreseen: 6', async () => {
    expect(await dryRun('--min-free', '1000TiB')).toMatchObject({
      exitCode: 6,
      summary: { ok: false, code: 'no-space' },
    });
  });

  it('follow tells the same, and ends', async () => {
    const args = backupArgs().slice(1);
    expect(await runHoldfast('follow', ...args, '--dry-run', '--json')).toMatchObject({
      exitCode: 0,
      summary: { dryRun: true },
    });
  });
});

describe('a place that is not there', () => {
  const withTemporary = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    const former = process.env.TMPDIR;
    process.env.TMPDIR = path;
    try {
      return await work();
    } finally {
      if (former === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = former;
    }
  };

  it('a directory that is a link to nowhere: 2 and one line', async () => {
    const link = join(directory, 'link');
    await symlink(join(directory, 'nowhere'), link);
    expect(await runHoldfast(...backupArgs(link))).toMatchObject({
      exitCode: 2,
      stderr: `holdfast: --dir ${link} is no directory\n`,
    });
  });

  it('a file where the directory should be: 2, whatever the verb', async () => {
    const path = join(directory, 'file');
    await writeFile(path, 'no directory');
    for (const args of [backupArgs(path), ['verify', '--dir', path], ['status', '--dir', path]]) {
      const { exitCode, stderr } = await runHoldfast(...args);
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/^holdfast: [^\n]*(is no directory|no directory is there)[^\n]*\n$/),
      });
    }
  });

  it('no room for a sample: the sample has failed, what was verified is told', async () => {
    expect((await runHoldfast(...backupArgs())).exitCode).toBe(0);
    const args = [
      'verify',
      '--dir',
      directory,
      '--volume',
      `${VOLUME_ID}`,
      '--restore-sample',
      '1',
      '--json',
    ];
    const run = await withTemporary('/nowhere/at/all', () => runHoldfast(...args));
    expect(run).toMatchObject({
      exitCode: 2,
      stderr: '',
      summary: {
        ok: false,
        volumes: [{ ok: true }],
        restored: [{ ok: false, error: expect.stringContaining('TMPDIR') }],
      },
    });
  });

  it('a volume server where the master should be: 4, and what to check', async () => {
    const [host, port] = server.httpAddress.split(':');
    const master = `${host}:${port}.${server.grpcAddress.split(':')[1]}`;
    const run = await runHoldfast('backup', '--master', master, '--dir', directory);
    expect(run).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('is no SeaweedFS master') });
  });
});
