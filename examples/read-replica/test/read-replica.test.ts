import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { formatFileId } from '@holdfast/format';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '@holdfast/interop';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openReadReplica, type ReadReplica } from '../src/read-replica.js';

const VOLUME_ID = 7;
const LONG_BYTES = 24 * 1024 * 1024;

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;
let replica: ReadReplica | undefined;
let problems: string[];

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
});

afterAll(async () => await cluster?.stop());

beforeEach(async () => {
  directory = await mkdtemp(join(cluster.directory, 'copy-'));
  problems = [];
  await server.allocate(VOLUME_ID);
});

afterEach(async () => {
  await replica?.close();
  replica = undefined;
  await server.deleteVolume(VOLUME_ID);
  await rm(directory, { recursive: true, force: true });
});

async function open(): Promise<ReadReplica> {
  const address = `${server.httpAddress}.${server.grpcAddress.split(':')[1]}`;
  const onProblem = (error: unknown) => void problems.push(String(error));
  replica = await openReadReplica({ server: address, directory, port: 0, onProblem });
  return replica;
}

const put = async (needleId: number, text: string | Uint8Array) => {
  const data = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  expect((await server.put(VOLUME_ID, BigInt(needleId), data)).ok).toBe(true);
};

const urlOf = (needleId: number, cookie = needleId) =>
  `${replica!.url}/${formatFileId({ volumeId: VOLUME_ID, needleId: BigInt(needleId), cookie })}`;

const get = (needleId: number, headers: Record<string, string> = {}) => fetch(urlOf(needleId), { headers });

/** Waits until the replica answers so. */
const answers = (needleId: number, status: number, text?: string) =>
  waitUntil(`needle ${needleId}: ${status} ${text ?? ''}`, async () => {
    const response = await get(needleId);
    const body = await response.text();
    return response.status === status && (text === undefined || body === text);
  });

async function revision(): Promise<number> {
  const { Volumes } = (await (await fetch(`${replica!.url}/status`)).json()) as {
    readonly Volumes: readonly { readonly Id: number; readonly CompactRevision: number }[];
  };
  return Volumes.find(({ Id }) => Id === VOLUME_ID)?.CompactRevision ?? -1;
}

it('serves what the server has, as the server does, and writes nothing', async () => {
  await put(1, 'hold fast');
  await open();
  await answers(1, 200, 'hold fast');
  const [ours, theirs] = [await get(1), await server.get(VOLUME_ID, 1n)];
  for (const header of ['etag', 'content-type', 'content-disposition', 'last-modified', 'content-length'])
    expect(ours.headers.get(header), header).toBe(theirs.headers.get(header));
  const part = await get(1, { Range: 'bytes=5-8' });
  expect([part.status, await part.text()]).toEqual([206, 'fast']);
  expect((await get(1, { 'If-None-Match': ours.headers.get('etag')! })).status).toBe(304);
  expect((await fetch(urlOf(1, 99))).status).toBe(404);
  for (const method of ['PUT', 'POST', 'DELETE'])
    expect(
      (await fetch(urlOf(1), { method, ...(method !== 'DELETE' && { body: 'x' }) })).status,
      method,
    ).toBe(405);

  await put(1, 'hold faster');
  await put(2, 'two');
  await answers(1, 200, 'hold faster');
  await answers(2, 200, 'two');
  await server.delete(VOLUME_ID, 2n);
  await answers(2, 404);
  expect(problems).toEqual([]);
});

it('a reader is never shown a former or a torn version while the server is written and vacuumed', async () => {
  for (let id = 1; id <= 4; id++) await put(id, `${id}:0`);
  await open();
  await answers(4, 200, '4:0');

  let isWriting = true;
  const seen = new Map<number, number>();
  let reads = 0;
  const reading = (async () => {
    while (isWriting) {
      for (let id = 1; id <= 4; id++) {
        const response = await get(id);
        const text = await response.text();
        expect(response.status).toBe(200);
        const [, version] = /^[1-4]:(\d+)$/.exec(text) ?? [];
        expect(text.startsWith(`${id}:`)).toBe(true);
        expect(Number(version)).toBeGreaterThanOrEqual(seen.get(id) ?? 0);
        seen.set(id, Number(version));
        reads++;
      }
    }
  })();
  for (let round = 1; round <= 3; round++) {
    for (let step = 0; step < 10; step++)
      for (let id = 1; id <= 4; id++) await put(id, `${id}:${round * 10 + step}`);
    await server.vacuum(VOLUME_ID);
    await waitUntil(`revision ${round}`, async () => (await revision()) === round);
  }
  await answers(4, 200, '4:39');
  isWriting = false;
  await reading;
  expect(reads).toBeGreaterThan(20);
  expect(problems).toEqual([]);
  server.assertAlive();
});

it('a long download that began before a vacuum ends whole, though its needle is gone', async () => {
  const long = Buffer.alloc(LONG_BYTES);
  for (let at = 0; at < LONG_BYTES; at += 4) long.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
  await put(1, long);
  await put(2, 'stays');
  await open();
  await answers(2, 200, 'stays');
  await waitUntil('the long one', async () => (await fetch(urlOf(1), { method: 'HEAD' })).status === 200);

  // Reads a little, and no more until the generation is another one.
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request(urlOf(1), resolve).once('error', reject).end();
  });
  const pieces = response[Symbol.asyncIterator]();
  const received: Buffer[] = [(await pieces.next()).value as Buffer];
  await server.delete(VOLUME_ID, 1n);
  await server.vacuum(VOLUME_ID);
  await waitUntil('revision 1', async () => (await revision()) === 1);
  await answers(1, 404);
  for (let next = await pieces.next(); !next.done; next = await pieces.next())
    received.push(next.value as Buffer);
  expect(response.complete).toBe(true);
  expect(Buffer.compare(Buffer.concat(received), long)).toBe(0);
});

it('goes on serving while its server is away, and after a restart too', async () => {
  await put(1, 'one');
  await open();
  await answers(1, 200, 'one');
  await server.stop();
  await answers(1, 200, 'one');
  await replica!.close();
  await open();
  const response = await get(1);
  expect([response.status, await response.text()]).toEqual([200, 'one']);
  await server.start();
  await put(2, 'two');
  await answers(2, 200, 'two');
});
