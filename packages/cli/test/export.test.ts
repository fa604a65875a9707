import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createVolume } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { expect, test } from 'vitest';
import { FIXTURES, holdfast, temporaryDirectory } from './holdfast.js';

interface LiveFile {
  readonly key: string;
  readonly cookie: string;
  readonly name?: string;
  readonly sha256: string;
  readonly lastModified?: number;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function fixture(name: string) {
  const directory = await temporaryDirectory();
  await cp(join(FIXTURES, name), directory.path, { recursive: true });
  const manifest = JSON.parse(await readFile(join(directory.path, 'manifest.json'), 'utf8')) as {
    readonly volumeId: number;
    readonly live: readonly LiveFile[];
  };
  const out = join(directory.path, 'out');
  const to = (...target: readonly string[]) =>
    holdfast(['export', '--dir', directory.path, '--volume', `${manifest.volumeId}`, ...target, '--json']);
  return { ...directory, out, to, manifest };
}

async function sumsOf(directory: string): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const name of await readdir(directory)) sums.set(name, sha256(await readFile(join(directory, name))));
  return sums;
}

/** A volume of one's own with needles that no server would be asked for. */
async function oddVolume(directory: string): Promise<void> {
  const env = nodeStoreEnvironment();
  await using volume = await createVolume(env, { directory, name: '7' });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const lastModifiedSeconds = 1_234_567_890;
  await volume.append({
    needleId: 1n,
    cookie: 1,
    name: '../../escape',
    data: bytes('one'),
    lastModifiedSeconds,
  });
  await volume.append({ needleId: 2n, cookie: 2, name: 'same', data: bytes('two') });
  await volume.append({ needleId: 3n, cookie: 3, name: 'SAME', data: bytes('three') });
  await volume.append({ needleId: 4n, cookie: 4, data: bytes('four') });
  // Without data nothing is kept of a name.
  await volume.append({ needleId: 5n, cookie: 5, name: 'empty' });
  const packed = gzipSync(Buffer.alloc(20 << 20, 'holdfast'));
  await volume.append({ needleId: 6n, cookie: 6, name: 'packed.txt', data: packed, flags: 1 });
  await volume.append({
    needleId: 7n,
    cookie: 7,
    name: 'broken.gz',
    data: packed.subarray(0, 500),
    flags: 1,
  });
  await volume.append({ needleId: 8n, cookie: 8, name: 'zst', data: bytes('(\xb5/\xfd'), flags: 1 });
  await volume.append({
    needleId: 9n,
    cookie: 9,
    name: 'film.mp4',
    data: bytes('{"chunks":[]}'),
    flags: 0x80,
  });
  await volume.append({ needleId: 10n, cookie: 10, name: 'large', data: Buffer.alloc(9 << 20, 7) });
  await volume.sync();
}

test.each(['mixed-o5', 'churn-o4', 'collection-o5'])(
  '%s: every file with the content that was uploaded',
  async (name) => {
    await using volume = await fixture(name);
    const { code, lines } = await volume.to('--out', volume.out);
    expect(code).toBe(0);
    const files = lines.filter(({ event }) => event === 'file');
    expect(files).toHaveLength(volume.manifest.live.length);
    const sums = await sumsOf(volume.out);
    expect(sums.size).toBe(files.length);
    for (const { key, cookie, sha256: expected, lastModified } of volume.manifest.live) {
      const file = files.find(({ fileId }) => fileId === `${volume.manifest.volumeId},${key}${cookie}`)!;
      expect(sums.get(file.as as string), key).toBe(expected);
      // A file system says no later time than the year 2446.
      if (lastModified && lastModified < 2 ** 33) {
        const { mtimeMs } = await stat(join(volume.out, file.as as string));
        expect(mtimeMs).toBe(lastModified * 1000);
      }
    }
  },
);

test('a damaged needle is left out and named, all others are there; exit code 5', async () => {
  await using volume = await fixture('bad-flip-data-o5');
  const { code, lines } = await volume.to('--out', volume.out);
  expect(code).toBe(5);
  expect(lines.at(-1)).toMatchObject({
    ok: false,
    damaged: 1,
    damagedNeedles: [{ needle: '29', offset: 3712 }],
  });
  expect(await readdir(volume.out)).toHaveLength(11);
});

test('odd names stay in the folder, content is unpacked unless it is wanted raw', async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await oddVolume(path);
  const run = (...target: readonly string[]) =>
    holdfast(['export', '--dir', path, '--volume', '7', ...target, '--json']);
  const { code, lines } = await run('--out', join(path, 'out'));
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatchObject({
    ok: true,
    files: 10,
    renamed: 3,
    unnamed: 2,
    chunkManifests: 1,
    notUnpacked: 2,
    renamedFiles: [
      { name: '../../escape', as: '_._.._escape' },
      { name: 'SAME', as: 'SAME~0300000003' },
      { name: 'film.mp4', as: 'film.mp4.chunks.json' },
    ],
  });
  const names = [
    '7,0400000004',
    '7,0500000005',
    'SAME~0300000003',
    '_._.._escape',
    'broken.gz',
    'film.mp4.chunks.json',
    'large',
    'packed.txt',
    'same',
    'zst',
  ];
  expect((await readdir(join(path, 'out'))).sort()).toEqual(names);
  expect((await stat(join(path, 'out', '_._.._escape'))).mtimeMs).toBe(1_234_567_890_000);
  expect((await stat(join(path, 'out', 'packed.txt'))).size).toBe(20 << 20);
  expect((await stat(join(path, 'out', 'broken.gz'))).size).toBe(500);

  const archive = join(path, 'files.tar');
  expect((await run('--tar', archive)).code).toBe(0);
  await mkdir(join(path, 'untarred'));
  execFileSync('tar', ['-xf', archive, '-C', join(path, 'untarred')]);
  expect(await sumsOf(join(path, 'untarred'))).toEqual(await sumsOf(join(path, 'out')));

  expect((await run('--out', join(path, 'raw'), '--raw')).lines.at(-1)).toMatchObject({ notUnpacked: 0 });
  const raw = await readFile(join(path, 'raw', 'packed.txt'));
  expect(raw.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
});

test('an archive on standard output is alone there', async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await oddVolume(path);
  const bin = join(import.meta.dirname, '../bin/holdfast.js');
  const shell = `'${process.execPath}' '${bin}' export --dir '${path}' --volume 7 --tar - --json 2>'${path}/summary' | tar -t`;
  const listed = execFileSync('sh', ['-c', shell], { encoding: 'utf8' });
  expect(listed.trim().split('\n')).toHaveLength(10);
  expect(
    JSON.parse((await readFile(join(path, 'summary'), 'utf8')).trim().split('\n').at(-1)!),
  ).toMatchObject({
    ok: true,
    files: 10,
  });
});

test('nothing that is there is replaced, and one volume and one target have to be named', async () => {
  await using volume = await fixture('churn-o5');
  await mkdir(volume.out);
  await writeFile(join(volume.out, 'mine'), 'mine');
  const refused = await volume.to('--out', volume.out);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('not an empty folder') });
  expect(await readdir(volume.out)).toEqual(['mine']);
  const taken = join(volume.out, 'mine');
  expect((await volume.to('--tar', taken)).code).toBe(6);
  expect(await readFile(taken, 'utf8')).toBe('mine');
  const link = join(volume.path, 'link.tar');
  await symlink(join(volume.path, 'elsewhere'), link);
  expect((await volume.to('--tar', link)).code).toBe(6);
  expect((await volume.to()).code).toBe(2);
  expect((await volume.to('--out', 'a', '--tar', 'b')).code).toBe(2);
  expect((await holdfast(['export', '--dir', volume.path, '--out', volume.out])).code).toBe(2);
});
