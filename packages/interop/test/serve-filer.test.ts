import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, waitUntil } from '../src/index.js';
import { weedShell } from '../src/weed-command.js';
import { startWeedFiler, type WeedFiler } from '../src/weed-filer.js';

const MIB = 1024 * 1024;
const SEED = 29;

const random = createSeededRandom(SEED);
let cluster: WeedCluster;
let own: HoldfastServer;
let filer: WeedFiler;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  own = await startHoldfastServer(cluster, 'own');
  filer = await startWeedFiler(cluster);
});

afterAll(async () => {
  await filer?.stop();
  await own?.stop();
  await cluster?.stop();
});

async function send(method: string, url: string, body?: Uint8Array): Promise<number> {
  const init = body === undefined ? {} : { body: new Uint8Array(body) };
  const response = await fetch(url, { method, ...init });
  await response.arrayBuffer();
  return response.status;
}

/** The status, and whether the body is this. */
async function read(url: string, content: Uint8Array, range?: string): Promise<readonly [number, boolean]> {
  const response = await fetch(url, range === undefined ? {} : { headers: { range } });
  return [response.status, Buffer.from(await response.arrayBuffer()).equals(content)];
}

/** The files of every volume, by name. */
async function volumesIn(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = (await readdir(directory)).filter((name) => /\.(dat|idx)$/.test(name)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)),
  );
}

/** Small ones, one of many chunks, and some that are gone again. */
async function putObjects(base: string, status: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>([['large', random.bytes(19 * MIB)]]);
  for (let i = 0; i < 40; i++) objects.set(`small ${i}`, random.bytes(1 + 300 * i));
  for (const [name, content] of objects)
    expect([name, await send('PUT', `${base}/${encodeURIComponent(name)}`, content)]).toEqual([name, status]);
  return objects;
}

test(`a real filer and its S3 gateway keep their files here, and a copy has them all (seed ${SEED})`, async () => {
  const folder = `${filer.filerUrl}/a/folder`;
  const bucket = `${filer.s3Url}/bucket`;
  const files = await putObjects(folder, 201);
  expect(await send('PUT', bucket)).toBe(200);
  const objects = await putObjects(bucket, 200);

  for (const [base, contents] of [
    [folder, files],
    [bucket, objects],
  ] as const) {
    for (const [name, content] of contents)
      expect([name, await read(`${base}/${encodeURIComponent(name)}`, content)]).toEqual([name, [200, true]]);
    const part = contents.get('large')!.subarray(3 * MIB - 5, 11 * MIB + 1);
    expect(await read(`${base}/large`, part, `bytes=${3 * MIB - 5}-${11 * MIB}`)).toEqual([206, true]);
    for (let i = 0; i < 10; i++) expect(await send('DELETE', `${base}/small%20${i}`)).toBe(204);
  }
  expect(await weedShell({ ...cluster, ...filer }, 'volume.fsck')).toContain('no orphan data');

  // The filer deletes chunks some time after their files.
  const copies = join(cluster.directory, 'copies');
  await waitUntil('a copy is what is served', async () => {
    const { exitCode } = await runHoldfast('backup', '--master', cluster.masterAddress, '--dir', copies);
    return exitCode === 0 && Buffer.compare(await bytesOf(copies), await bytesOf(own.directory)) === 0;
  });
  expect(await runHoldfast('verify', '--dir', copies)).toMatchObject({ exitCode: 0 });

  // A bucket is a collection: with it go its volumes.
  for (const name of objects.keys()) await send('DELETE', `${bucket}/${encodeURIComponent(name)}`);
  expect(await send('DELETE', bucket)).toBe(204);
  await waitUntil('the volumes of the bucket are gone', async () => {
    const names = [...(await volumesIn(own.directory)).keys()];
    return names.length > 0 && names.every((name) => !name.startsWith('bucket_'));
  });
  expect(await read(`${folder}/large`, files.get('large')!)).toEqual([200, true]);
});

async function bytesOf(directory: string): Promise<Buffer> {
  const parts = [...(await volumesIn(directory))].flatMap(([name, content]) => [Buffer.from(name), content]);
  return Buffer.concat(parts);
}
