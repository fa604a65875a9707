import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, waitUntil } from '../src/index.js';
import { assignFile } from '../src/weed-client.js';

const MINUTE_MS = 60_000;

let cluster: WeedCluster;
let own: HoldfastServer;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  own = await startHoldfastServer(cluster, 'own');
});

afterAll(async () => {
  await own?.stop();
  await cluster?.stop();
});

async function put(ttl: string): Promise<number> {
  const { fid, url } = await assignFile(cluster, { ttl });
  const init = { method: 'PUT', body: 'for a while', headers: { 'content-type': 'image/png' } };
  expect((await fetch(`${url}?ttl=${ttl}`, init)).status).toBe(201);
  return Number(fid.split(',')[0]);
}

test('a volume whose ttl has passed is not announced, and removed a while later; empty ones and others stay', async () => {
  const [removable, expired, living, plain] = [
    await put('1m'),
    await put('1h'),
    await put('1d'),
    await put(''),
  ] as const;
  await own.stop();
  const ageMs = {
    [removable]: 3 * MINUTE_MS,
    [expired]: 63 * MINUTE_MS,
    [living]: 63 * MINUTE_MS,
    [plain]: 1e12,
  };
  for (const [volumeId, age] of Object.entries(ageMs)) {
    const then = new Date(Date.now() - age);
    await utimes(join(own.directory, `${volumeId}.dat`), then, then);
  }
  const before = await readdir(own.directory);

  own = await startHoldfastServer(cluster, 'own');
  await cluster.waitForVolume(living);
  await cluster.waitForVolume(plain);
  const rest = before.filter((name) => name.endsWith('.dat') && name !== `${removable}.dat`).sort();
  await waitUntil('it is removed', async () => {
    const names = await readdir(own.directory);
    return names.every((name) => !name.startsWith(`${removable}.`));
  });
  for (const volumeId of [removable, expired]) expect(await cluster.lookUp(volumeId)).toEqual([]);
  expect((await readdir(own.directory)).filter((name) => name.endsWith('.dat')).sort()).toEqual(rest);
});
