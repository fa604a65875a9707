import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { volumeServerPb } from '@holdfast/protocol';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, waitUntil } from '../src/index.js';
import { weedCommand, weedShell } from '../src/weed-command.js';

let cluster: WeedCluster;
let own: HoldfastServer;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  own = await startHoldfastServer(cluster, 'own');
});

afterEach(() => {
  for (const server of cluster.servers) server.assertAlive();
});

afterAll(async () => {
  await own?.stop();
  await cluster?.stop();
});

async function volumeOn(httpAddress: string, volumeId: number) {
  const { Volumes } = (await (await fetch(`http://${httpAddress}/status`)).json()) as {
    readonly Volumes: readonly Record<string, unknown>[];
  };
  return Volumes.find(({ Id }) => Id === volumeId);
}

test('weed upload and weed download', async () => {
  const sources = join(cluster.directory, 'up');
  const target = join(cluster.directory, 'down');
  await mkdir(sources);
  await mkdir(target);
  const files = new Map<string, Uint8Array>([
    ['hello.txt', new TextEncoder().encode('hello '.repeat(1000))],
    ['large.bin', Buffer.alloc(9_000_000, 'not all the same ')],
    ['picture 1.jpg', Buffer.alloc(70_000, 7)],
  ]);
  for (const [name, content] of files) {
    await writeFile(join(sources, name), content);
    // The large one in chunks, with a list of them.
    const told = await weedCommand(
      cluster,
      'upload',
      `-master=${cluster.masterAddress}`,
      '-maxMB=4',
      join(sources, name),
    );
    const [{ fid, error }] = JSON.parse(told) as [{ readonly fid: string; readonly error?: string }];
    expect([name, error]).toEqual([name, undefined]);
    await weedCommand(cluster, 'download', `-server=${cluster.masterHttpAddress}`, `-dir=${target}`, fid);
    expect([name, Buffer.compare(await readFile(join(target, name)), content)]).toEqual([name, 0]);
  }
});

test('weed shell: volume.list shows what is here, volume.vacuum compacts it', async () => {
  const listed = await weedShell(cluster, 'volume.list');
  expect(listed).toContain(own.httpAddress);
  const volumeId = Number(/volume Id:(\d+)/.exec(listed)![1]);
  const url = `http://${own.httpAddress}/${volumeId},0f00000000cafe`;
  for (const body of ['one', 'two', 'three'])
    await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'image/png' } });
  const before = await volumeOn(own.httpAddress, volumeId);
  await waitUntil(
    'the garbage is reported',
    async () => Number((await volumeOn(own.httpAddress, volumeId))!.DeletedByteCount) > 0,
  );
  await weedShell(cluster, `volume.vacuum -garbageThreshold=0.0000001 -volumeId=${volumeId}`);
  expect(await volumeOn(own.httpAddress, volumeId)).toMatchObject({
    CompactRevision: Number(before!.CompactRevision) + 1,
  });
  expect(await (await fetch(url)).text()).toBe('three');
});

test('weed shell: volume.check.disk gives a copy what only the other one has, here and there', async () => {
  const real = await cluster.addServer();
  const servers = [own.httpAddress, real.httpAddress];
  const common = ['01', '02', '03', '04', '05'];
  for (const [at, missing] of servers.entries()) {
    const volumeId = 700 + at;
    const volume = { collection: 'pair', replication: '001', version: 3 as const };
    await real.allocate(volumeId, volume);
    await own.unary(volumeServerPb.VolumeServer.method.allocateVolume, { volumeId, ...volume });
    await cluster.waitForVolume(volumeId, 2);
    for (const server of servers) {
      for (const needle of server === missing ? common : [...common, '06']) {
        const url = `http://${server}/${volumeId},${needle}0000cafe?type=replicate`;
        const headers = { 'content-type': 'application/octet-stream' };
        expect((await fetch(url, { method: 'PUT', body: `needle ${needle}`, headers })).status).toBe(201);
      }
    }
    const command = `volume.check.disk -volumeId=${volumeId} -slow -apply -resurrectMissingNeedles`;
    const told = await weedShell(cluster, command);
    const found = await fetch(`http://${missing}/${volumeId},060000cafe`);
    expect([told, found.status, await found.text()]).toEqual([told, 200, 'needle 06']);
  }
});
