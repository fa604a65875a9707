import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { parseFileId } from '@holdfast/format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, waitUntil, weedBackup } from '../src/index.js';
import { assignFile } from '../src/weed-client.js';
import { weedCommand } from '../src/weed-command.js';

const FILES = 2000;
const CLIENTS = 8;

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

/** Everything of `items`, by eight clients at once. */
async function eachAtOnce<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const client = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await action(item);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

const contentOf = (number: number) => `file ${number} `.repeat(1 + (number % 200));

async function put(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(url, { method: 'PUT', headers, body });
  await response.arrayBuffer();
  return response.status;
}

async function get(url: string): Promise<string | number> {
  const response = await fetch(url);
  const text = await response.text();
  return response.status === 200 ? text : response.status;
}

async function remove(url: string): Promise<number> {
  const response = await fetch(url, { method: 'DELETE' });
  await response.arrayBuffer();
  return response.status;
}

async function volumes(httpAddress: string) {
  const { Volumes } = (await (await fetch(`http://${httpAddress}/status`)).json()) as {
    readonly Volumes: readonly {
      readonly Id: number;
      readonly CompactRevision: number;
      readonly DeleteCount: number;
    }[];
  };
  return Volumes;
}

describe('a master that places everything here', () => {
  const urls = new Map<number, string>();
  const deleted = new Set<number>();
  let volumeIds: readonly number[] = [];

  test('2,000 files by eight clients at once are written and read, a tenth is deleted', async () => {
    await eachAtOnce(
      Array.from({ length: FILES }, (_, number) => number),
      async (number) => {
        const { url } = await assignFile(cluster);
        expect(await put(url, contentOf(number))).toBe(201);
        urls.set(number, url);
      },
    );
    expect(new Set(urls.values()).size).toBe(FILES);
    await eachAtOnce(
      [...urls.keys()].filter((number) => number % 10 === 0),
      async (number) => {
        expect(await remove(urls.get(number)!)).toBe(202);
        deleted.add(number);
      },
    );
    await eachAtOnce([...urls], async ([number, url]) => {
      expect([number, await get(url)]).toEqual([number, deleted.has(number) ? 404 : contentOf(number)]);
    });
    volumeIds = (await volumes(own.httpAddress)).map(({ Id }) => Id);
    expect(volumeIds.length).toBeGreaterThan(1);
  });

  test("the master's own vacuum compacts every volume and loses nothing", async () => {
    const answer = await fetch(`http://${cluster.masterHttpAddress}/vol/vacuum?garbageThreshold=0.001`);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    expect(await volumes(own.httpAddress)).toEqual(
      volumeIds.map((Id) => expect.objectContaining({ Id, CompactRevision: 1, DeleteCount: 0 })),
    );
    await eachAtOnce([...urls], async ([number, url]) => {
      expect([number, await get(url)]).toEqual([number, deleted.has(number) ? 404 : contentOf(number)]);
    });
  });

  test('weed backup into an empty directory equals the files here, and again after more was written', async () => {
    const directory = `${cluster.directory}/backup`;
    const backUp = async () => {
      for (const volumeId of volumeIds) {
        const { ended, log } = await weedBackup(cluster, { volumeId, directory, timeLimitMs: 30_000 });
        expect({ volumeId, ended, log }).toMatchObject({
          ended: true,
          log: expect.stringContaining('Successfully'),
        });
        for (const ext of ['.dat', '.idx'] as const) {
          const copy = await own.readFile(volumeId, ext);
          expect(Buffer.compare(await readFile(`${directory}/${volumeId}${ext}`), copy)).toBe(0);
        }
      }
    };
    await backUp();
    for (let number = FILES; number < FILES + 40; number++) {
      const { url } = await assignFile(cluster);
      expect(await put(url, contentOf(number))).toBe(201);
      urls.set(number, url);
    }
    await backUp();
  });

  test('weed export lists what is here, and a real volume server serves a copy of the files', async () => {
    const copy = `${cluster.directory}/copy`;
    await mkdir(`${copy}/data`, { recursive: true });
    for (const name of await readdir(own.directory))
      if (/^\d+\.(dat|idx|vif)$/.test(name)) await cp(`${own.directory}/${name}`, `${copy}/data/${name}`);
    const listed = new Set<string>();
    for (const volumeId of volumeIds) {
      const text = await weedCommand(cluster, 'export', `-dir=${copy}/data`, `-volumeId=${volumeId}`);
      for (const line of text.trim().split('\n').slice(1)) listed.add(line.split('\t')[0]!);
    }
    const live = [...urls].filter(([number]) => !deleted.has(number));
    expect(listed).toEqual(new Set(live.map(([, url]) => url.slice(url.lastIndexOf('/') + 1))));

    const other = await startWeedCluster({ volumeServers: 0 });
    try {
      const real = await other.addServer({ directory: copy });
      await eachAtOnce(live, async ([number, url]) => {
        const there = `http://${real.httpAddress}${new URL(url).pathname}`;
        expect([number, await get(there)]).toEqual([number, contentOf(number)]);
      });
      real.assertAlive();
    } finally {
      await other.stop();
    }
  });
});

describe('replication 001 beside a real volume server', () => {
  const query = { replication: '001', collection: 'pair' };

  test('what is written to or deleted from either is so on both', async () => {
    const real = await cluster.addServer();
    const servers = [own.httpAddress, real.httpAddress];
    for (let number = 0; number < 40; number++) {
      const { fid } = await assignFile(cluster, query);
      const { volumeId } = parseFileId(fid);
      await cluster.waitForVolume(volumeId, 2);
      const [to, other] = number % 2 === 0 ? servers : [...servers].reverse();
      expect(await put(`http://${to}/${fid}`, contentOf(number))).toBe(201);
      for (const server of servers) expect(await get(`http://${server}/${fid}`)).toBe(contentOf(number));
      if (number % 4 > 1) continue;
      expect(await remove(`http://${other}/${fid}`)).toBe(202);
      for (const server of servers) expect(await get(`http://${server}/${fid}`)).toBe(404);
    }
    real.assertAlive();
  });

  test('names, types, times, pairs and packing arrive on the other one', async () => {
    const [real] = cluster.servers;
    const form = new FormData();
    form.set('file', new Blob(['text that packs well '.repeat(200)], { type: 'text/plain' }), 'größe.txt');
    for (const to of [own.httpAddress, real!.httpAddress]) {
      const { fid } = await assignFile(cluster, query);
      const headers = { 'seaweed-owner': 'anna' };
      const response = await fetch(`http://${to}/${fid}?ts=1600000000`, {
        method: 'POST',
        headers,
        body: form,
      });
      expect(response.status).toBe(201);
      const seen = await Promise.all(
        [own.httpAddress, real!.httpAddress].map(async (server) => {
          const answer = await fetch(`http://${server}/${fid}`);
          const told = ['etag', 'last-modified', 'content-type', 'content-disposition', 'owner'];
          return [await answer.text(), ...told.map((name) => answer.headers.get(name))];
        }),
      );
      expect(seen[0]).toEqual(seen[1]);
      expect(seen[0]![2]).toBe('Sun, 13 Sep 2020 12:26:40 GMT');
      expect(seen[0]![5]).toBe('anna');
    }
  });

  test('a write of which the other copy cannot be made is no success', async () => {
    const [real] = cluster.servers;
    const { fid } = await assignFile(cluster, query);
    await real!.stop();
    expect(await put(`http://${own.httpAddress}/${fid}`, 'alone')).toBe(500);
    await real!.start();
    await waitUntil(
      'both are there again',
      async () => (await put(`http://${own.httpAddress}/${fid}`, 'both')) === 201,
    );
    expect(await get(`http://${real!.httpAddress}/${fid}`)).toBe('both');
  });

  test('a volume that is only on the other one is read here by proxy, and by redirect where that was asked for', async () => {
    const [real] = cluster.servers;
    await real!.allocate(900, { collection: 'elsewhere' });
    await real!.put(900, 5n, new TextEncoder().encode('from elsewhere'));
    await cluster.waitForVolume(900);
    const path = '900,0500000005';
    expect(await get(`http://${own.httpAddress}/${path}`)).toBe('from elsewhere');
    const redirecting = await startHoldfastServer(cluster, 'redirecting', '--read-mode', 'redirect');
    const response = await fetch(`http://${redirecting.httpAddress}/${path}`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([
      301,
      `http://${real!.httpAddress}/${path}`,
    ]);
    expect(await get(`http://${redirecting.httpAddress}/${path}`)).toBe('from elsewhere');
    expect(await redirecting.stop()).toMatchObject({ exitCode: 0, summary: { ok: true } });
  });
});

test('at SIGTERM the server leaves the master first, and everything is on the disk', async () => {
  const server = await startHoldfastServer(cluster, 'leaving', '--no-fsync');
  const { fid } = await assignFile(cluster, { dataNode: server.httpAddress, collection: 'leaving' });
  const { volumeId } = parseFileId(fid);
  expect(await put(`http://${server.httpAddress}/${fid}`, 'the last words')).toBe(201);
  const ended = await server.stop();
  expect(ended).toMatchObject({ exitCode: 0, stderr: '', summary: { ok: true } });
  expect(await cluster.lookUp(volumeId)).toEqual([]);
  const dat = Buffer.from(await server.readFile(volumeId, '.dat', 'leaving'));
  expect(dat.includes('the last words')).toBe(true);
});
