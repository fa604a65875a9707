import { cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FIXTURES, holdfast, startHoldfast, temporaryDirectory } from './holdfast.js';

interface Manifest {
  readonly live: readonly {
    readonly key: string;
    readonly cookie: string;
    readonly storedSize: number;
    readonly storedSha256: string;
    readonly name?: string;
  }[];
}

async function copyOf(fixture: string) {
  const directory = await temporaryDirectory();
  await cp(join(FIXTURES, fixture), directory.path, { recursive: true });
  const manifest = JSON.parse(await readFile(join(directory.path, 'manifest.json'), 'utf8')) as Manifest;
  const dat = (await readdir(directory.path)).find((name) => name.endsWith('.dat'))!;
  return { ...directory, manifest, dat: join(directory.path, dat), base: dat.slice(0, -4) };
}

test.each(['churn-o5', 'churn-o4'])(
  'inspect lists the live needles of %s as the server has them',
  async (fixture) => {
    await using volume = await copyOf(fixture);
    const { code, lines } = await holdfast(['inspect', volume.dat, '--needles', '--json']);
    expect(code).toBe(0);
    const summary = lines.at(-1)!;
    const needles = lines.slice(0, -1);
    expect(summary).toMatchObject({ ok: true, liveNeedles: volume.manifest.live.length });
    const byId = new Map(needles.map((needle) => [needle.id, needle]));
    for (const { key, cookie, storedSize, storedSha256 } of volume.manifest.live) {
      expect(byId.get(key)).toMatchObject({
        cookie,
        dataSize: storedSize,
        dataSha256: storedSha256,
      });
    }
  },
);

test('verify finds nothing in a good volume, changes nothing, and names what is wrong in a bad one', async () => {
  await using good = await copyOf('churn-o5');
  const before = await readdir(good.path);
  expect(await holdfast(['verify', '--dir', good.path])).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(good.path)).toEqual(before);
  await using bad = await copyOf('bad-flip-data-o5');
  const { code, lines } = await holdfast(['verify', '--dir', bad.path, '--json']);
  expect(code).toBe(5);
  expect(lines.filter(({ event }) => event === 'finding')).toEqual([
    expect.objectContaining({
      code: 'record-damaged',
      needle: expect.any(String),
      offset: expect.any(Number),
    }),
  ]);
  expect(lines.at(-1)).toMatchObject({ ok: false });
});

test('fix makes the index again; an odd one is found before and not after', async () => {
  await using volume = await copyOf('churn-o5');
  const idx = join(volume.path, `${volume.base}.idx`);
  const original = await readFile(idx);
  await truncate(idx, original.length - 5);
  expect((await holdfast(['verify', '--dir', volume.path])).code).toBe(5);
  const fixed = await holdfast(['fix', '--dir', volume.path, '--json']);
  expect(fixed).toMatchObject({ code: 0 });
  expect(fixed.lines.at(-1)).toMatchObject({
    ok: true,
    volumes: [{ liveNeedles: volume.manifest.live.length }],
  });
  expect((await holdfast(['verify', '--dir', volume.path])).code).toBe(0);
});

test('an index of the wrong width is refused, and so is a selection that nothing matches', async () => {
  await using volume = await copyOf('churn-o5');
  await writeFile(join(volume.path, `${volume.base}.idx`), Buffer.alloc(16 * 17 * 4, 0x41));
  const wrong = await holdfast(['verify', '--dir', volume.path, '--json']);
  expect(wrong.code).toBe(5);
  const none = await holdfast(['status', '--dir', volume.path, '--volume', '4711']);
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing matched') });
});

test('status of a directory that nothing follows says so', async () => {
  await using volume = await copyOf('churn-o5');
  const { code, lines } = await holdfast(['status', '--dir', volume.path, '--json']);
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatchObject({
    ok: true,
    volumes: [{ followed: false, lastProofAt: null, generations: [] }],
  });
});

test('serve listens, tells where, and ends in order at SIGTERM', async () => {
  await using volume = await copyOf('churn-o5');
  for (const transport of ['grpc', 'connect']) {
    const served = startHoldfast([
      'serve',
      '--dir',
      volume.path,
      '--read-only',
      '--grpc-port',
      '0',
      '--transport',
      transport,
      '--json',
    ]);
    expect(JSON.parse(await served.line)).toMatchObject({ event: 'listening', volumes: 1 });
    expect(await served.end()).toBe(0);
  }
});
