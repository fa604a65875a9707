import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLeaderSource, defaultSyncPolicy, syncVolumes } from '@holdfast/follower';
import { nativeCrc32c as crc32c, systemTimers as timers } from '@holdfast/format/node';
import { createHoldfastLeaderClient } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFastifyApp, type LeaderApp } from '../src/fastify-app.js';

const KEY = { 'x-api-key': 'a key of the test' };
/** More than Fastify takes of a body by itself. */
const LONG_BYTES = 6 * 1024 * 1024;

let directory: string;
let leader: LeaderApp;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-fastify-'));
  leader = await createFastifyApp({
    directory: join(directory, 'volumes'),
    grpcAddress: '127.0.0.1:0',
    writeKey: KEY['x-api-key'],
  });
  await leader.store.allocate({ volumeId: 7, collection: '' });
  url = await leader.app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await leader.app.close();
  await rm(directory, { recursive: true, force: true });
});

function form(name: string, content: string | Uint8Array<ArrayBuffer>, type: string): FormData {
  const data = new FormData();
  data.append('file', new Blob([content], { type }), name);
  return data;
}

it('needles are written, read and deleted beside the routes of the app', async () => {
  const fid = `${url}/7,0163703701`;
  const written = await fetch(fid, {
    method: 'POST',
    headers: KEY,
    body: form('a.json', '{"hold":"fast"}', 'application/json'),
  });
  expect(written.status).toBe(201);
  expect(await written.json()).toMatchObject({ name: 'a.json' });
  const read = await fetch(fid);
  expect([read.status, read.headers.get('content-type'), await read.text()]).toEqual([
    200,
    'application/json',
    '{"hold":"fast"}',
  ]);
  // A type that the app itself would parse, as a body of its own.
  const json = `${url}/7,0263703701`;
  const raw = { method: 'PUT', headers: { ...KEY, 'Content-Type': 'application/json' }, body: '{"not json' };
  expect((await fetch(json, raw)).status).toBe(201);
  expect(await (await fetch(json)).text()).toBe('{"not json');

  const volumes = await fetch(`${url}/volumes`);
  expect(await volumes.json()).toMatchObject([{ name: '7', files: 2, revision: 0 }]);
  expect((await fetch(fid, { method: 'DELETE', headers: KEY })).status).toBe(202);
  expect((await fetch(fid)).status).toBe(404);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

it('a hook of the app comes first: without the key nothing is written', async () => {
  const fid = `${url}/7,0163703701`;
  for (const headers of [{}, { 'x-api-key': 'another' }]) {
    const refused = await fetch(fid, { method: 'PUT', headers, body: 'x' });
    expect(refused.status).toBe(401);
  }
  expect((await fetch(fid)).status).toBe(404);
  expect(leader.store.find(7)!.status().liveNeedles).toBe(0);
});

it('long bodies pass through, both ways', async () => {
  const content = new Uint8Array(LONG_BYTES);
  for (let at = 0; at < LONG_BYTES; at++) content[at] = (at * 31) ^ (at >> 9);
  const fid = `${url}/7,0163703701`;
  const body = form('long', content, 'application/octet-stream');
  expect((await fetch(fid, { method: 'POST', headers: KEY, body })).status).toBe(201);
  const read = new Uint8Array(await (await fetch(fid)).arrayBuffer());
  expect(Buffer.compare(read, content)).toBe(0);
  const part = await fetch(fid, { headers: { Range: `bytes=${LONG_BYTES - 4}-` } });
  expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, content.slice(-4)]);
});

it('what the app was given is followed, byte for byte', async () => {
  await fetch(`${url}/7,0163703701`, { method: 'PUT', headers: KEY, body: 'hold fast' });
  const { address } = leader.followers;
  const transport = createGrpcTransport();
  const client = createHoldfastLeaderClient({ address, transport, crc32c, timers });
  const { signal } = new AbortController();
  const copy = await mkdtemp(join(directory, 'copy-'));
  const env = nodeStoreEnvironment();
  const [report] = await syncVolumes(await createLeaderSource({ leader: client }).list(signal), {
    ...{ env, timers, signal, directory: copy },
    policy: defaultSyncPolicy,
    assertLocked: async () => {},
  });
  expect(report).toMatchObject({ ok: true, liveNeedles: 1 });
  for (const file of ['7.dat', '7.idx']) {
    const [ours, theirs] = [
      await readFile(join(copy, file)),
      await readFile(join(directory, 'volumes', file)),
    ];
    expect(Buffer.compare(ours, theirs)).toBe(0);
  }
});
