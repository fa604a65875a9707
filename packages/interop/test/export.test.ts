import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { formatFileId } from '@holdfast/format';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

const VOLUME_ID = 1;
const text = (content: string) => new TextEncoder().encode(content);

interface UploadedFile {
  readonly name?: string;
  /** What it is exported as. Default: its file id. */
  readonly as?: string;
  readonly content: Uint8Array;
  readonly type?: string;
}

const FILES: readonly UploadedFile[] = [
  { name: 'plain.bin', as: 'plain.bin', content: text('plain') },
  { content: text('without a name') },
  { name: '..', as: '__', content: text('dots') },
  { name: '.hidden', as: '_hidden', content: text('hidden') },
  { name: 'größe 𝄞.txt', as: 'größe 𝄞.txt', content: text('beyond ASCII') },
  { name: 'nul.txt', as: '_nul.txt', content: text('a device') },
  { name: 'a:b?.txt', as: 'a_b_.txt', content: text('what Windows does not take') },
  { name: 'twice.txt', as: 'twice.txt', content: text('once') },
  { name: 'TWICE.txt', as: 'TWICE~0900000009.txt', content: text('and again') },
  { name: `${'ä'.repeat(120)}.jpeg`, as: `${'ä'.repeat(120)}.jpeg`, content: text('long') },
  { name: 'packed.txt', as: 'packed.txt', content: text('compressible '.repeat(5000)), type: 'text/plain' },
  { name: 'archive.gz', as: 'archive.gz', content: gzipSync(text('a user compressed this')) },
  { name: 'large.bin', as: 'large.bin', content: Buffer.alloc(9 << 20, 'holdfast') },
];

/** As a form, as browsers and curl do it: only so a server stores a name. */
async function upload(needleId: bigint, { name, content, type = '' }: UploadedFile): Promise<void> {
  const fileId = formatFileId({ volumeId: VOLUME_ID, needleId, cookie: Number(needleId) });
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(content)], { type }), name);
  const response =
    name === undefined
      ? await server.put(VOLUME_ID, needleId, content)
      : await fetch(`http://${server.httpAddress}/${fileId}`, { method: 'POST', body: form });
  expect(response.status, await response.text()).toBe(201);
}

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
  await server.allocate(VOLUME_ID);
  for (const [i, file] of FILES.entries()) await upload(BigInt(i + 1), file);
  await upload(99n, { name: 'deleted.txt', content: text('to be deleted') });
  await server.delete(VOLUME_ID, 99n);
  await cluster.waitForVolume(VOLUME_ID);
});

afterEach(() => server.assertAlive());

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

it('what was uploaded by HTTP under odd names is exported beside a follower at work, to a folder and an archive', async () => {
  const copy = join(directory, 'copy');
  const args = ['--master', cluster.masterAddress, '--dir', copy, '--interval', '100ms', '--json'];
  const following = startHoldfast('follow', ...args);
  await following.printed('"outcome":"copied"');
  const volume = ['--dir', copy, '--volume', `${VOLUME_ID}`, '--json'];
  const exported = await runHoldfast('export', ...volume, '--out', join(directory, 'files'));
  expect(exported).toMatchObject({ exitCode: 0, summary: { ok: true, files: FILES.length, damaged: 0 } });
  const events = exported.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const expected = new Map(
    FILES.map(({ as, content }, i) => {
      const { fileId } = events[i] as { readonly fileId: string };
      return [as ?? fileId, content];
    }),
  );
  await expectFiles(join(directory, 'files'), expected);

  const archive = join(directory, 'files.tar');
  expect((await runHoldfast('export', ...volume, '--tar', archive)).exitCode).toBe(0);
  await mkdir(join(directory, 'untarred'));
  execFileSync('tar', ['-xf', archive, '-C', join(directory, 'untarred')]);
  await expectFiles(join(directory, 'untarred'), expected);

  expect((await runHoldfast('export', ...volume, '--out', join(directory, 'raw'), '--raw')).exitCode).toBe(0);
  const packed = await readFile(join(directory, 'raw', 'packed.txt'));
  expect(packed.length).toBeLessThan(1000);
  expect(gunzipSync(packed).toString()).toBe('compressible '.repeat(5000));
  following.process.kill('SIGTERM');
  expect((await following.ended).exitCode).toBe(0);
});

it('the volume directory of the server itself is read as it is, and not changed', async () => {
  const before = await readdir(server.dataDirectory);
  const out = join(directory, 'from-server');
  const args = ['--dir', server.dataDirectory, '--volume', `${VOLUME_ID}`, '--out', out, '--json'];
  expect(await runHoldfast('export', ...args)).toMatchObject({
    exitCode: 0,
    summary: { files: FILES.length },
  });
  expect(await readdir(server.dataDirectory)).toEqual(before);
});

async function expectFiles(folder: string, expected: ReadonlyMap<string, Uint8Array>): Promise<void> {
  expect((await readdir(folder)).sort()).toEqual([...expected.keys()].sort());
  for (const [name, content] of expected) {
    expect(Buffer.compare(await readFile(join(folder, name)), content), name).toBe(0);
  }
}
