import { Readable } from 'node:stream';
import { volumeServerPb } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster } from '../src/index.js';

const VOLUME_ID = 7;
const MIB = 1024 * 1024;
const KEPT = `${VOLUME_ID},01000000aa`;
const OTHER = `${VOLUME_ID},02000000aa`;

let cluster: WeedCluster;
let server: HoldfastServer;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  server = await startHoldfastServer(cluster, 'own');
  await server.unary(volumeServerPb.VolumeServer.method.allocateVolume, { volumeId: VOLUME_ID, version: 3 });
  expect((await send(KEPT, { method: 'POST', body: 'kept' })).status).toBe(201);
});

afterAll(async () => {
  await server?.stop();
  await cluster?.stop();
});

async function send(fid: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${server.httpAddress}/${fid}`, init);
  return { status: response.status, text: await response.text() };
}

function form(body: string, boundary = 'b'): RequestInit {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return { method: 'POST', headers, body };
}

const PART = 'content-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

/** More than any upload may have, without a length that says so. */
function endless(): RequestInit {
  let sentMib = 0;
  const piece = Buffer.alloc(MIB, 'x');
  const source = new Readable({
    read() {
      this.push(sentMib++ < 1024 ? piece : null);
    },
  });
  const headers = { 'content-type': 'application/octet-stream' };
  return {
    method: 'POST',
    headers,
    body: Readable.toWeb(source) as ReadableStream,
    duplex: 'half',
  } as RequestInit;
}

test.each<[name: string, fid: string, init: RequestInit, status: number]>([
  ['a form that ends inside its part', OTHER, form(`--b\r\n${PART}half`), 400],
  ['a form without a part', OTHER, form('--b--\r\n'), 400],
  ['a form by another boundary', OTHER, form(`--other\r\n${PART}x\r\n--other--\r\n`), 400],
  [
    'a form whose type names no boundary',
    OTHER,
    { ...form('x'), headers: { 'content-type': 'multipart/form-data' } },
    400,
  ],
  [
    'an MD5 that is not that of the content',
    OTHER,
    { method: 'PUT', body: 'x', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } },
    400,
  ],
  ['a file id without a cookie', `${VOLUME_ID},02`, { method: 'POST', body: 'x' }, 400],
  ['a volume that is nowhere', '99,02000000aa', { method: 'POST', body: 'x' }, 500],
  ['another cookie over a file', `${VOLUME_ID},01000000ab`, { method: 'POST', body: 'x' }, 500],
  ['another cookie for a deletion', `${VOLUME_ID},01000000ab`, { method: 'DELETE' }, 400],
  ['a method that there is not', KEPT, { method: 'PATCH' }, 400],
])('%s', async (_name, fid, init, status) => {
  const before = await server.readFile(VOLUME_ID, '.dat');
  expect((await send(fid, init)).status).toBe(status);
  expect(Buffer.compare(await server.readFile(VOLUME_ID, '.dat'), before)).toBe(0);
  expect(await send(KEPT)).toEqual({ status: 200, text: 'kept' });
});

test('an upload without an end', async () => {
  const before = await server.readFile(VOLUME_ID, '.dat');
  // The connection is closed on the sender: whether it still hears the answer is a race of the network.
  const answer = await send(OTHER, endless()).catch(() => undefined);
  expect(answer?.status ?? 413).toBe(413);
  expect(Buffer.compare(await server.readFile(VOLUME_ID, '.dat'), before)).toBe(0);
  expect((await send(OTHER)).status).toBe(404);
  expect(await send(KEPT)).toEqual({ status: 200, text: 'kept' });
});
