import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLeaderSource, defaultSyncPolicy, syncVolumes } from '@holdfast/follower';
import { parseFileId } from '@holdfast/format';
import { nativeCrc32c as crc32c, systemTimers as timers } from '@holdfast/format/node';
import { create, createHoldfastLeaderClient, RpcError } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createConnectTransport } from '@holdfast/transport-connect';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ConnectPort, openConnectPort } from '../src/connect-port.js';
import { FilesService, WatchVolumeRequestSchema } from '../src/gen/example/v1/files_pb.js';

const VOLUME_ID = 7;

let directory: string;
let port: ConnectPort;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-port-'));
  port = await openConnectPort({ directory, address: '127.0.0.1:0' });
  await port.store.allocate({ volumeId: VOLUME_ID, collection: '' });
});

afterEach(async () => {
  await port.close();
  await rm(directory, { recursive: true, force: true });
});

/** As `curl` would. */
async function putFile(name: string, content: string, volumeId = VOLUME_ID): Promise<Response> {
  return await fetch(`http://${port.address}/example.v1.FilesService/PutFile`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      volumeId,
      name,
      mimeType: 'text/plain',
      content: Buffer.from(content).toString('base64'),
    }),
  });
}

async function fileIdOf(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly fileId: string }).fileId;
}

it('what is put through the one service is followed through the other, byte for byte', async () => {
  const responses = await Promise.all([1, 2, 3, 4].map((i) => putFile(`${i}.txt`, `content ${i}`)));
  const fileIds = await Promise.all(responses.map(fileIdOf));
  expect(new Set(fileIds).size).toBe(4);
  const { needleId, cookie } = parseFileId(fileIds[0]!);
  const needle = await port.store.find(VOLUME_ID)!.open(needleId, { cookie });
  expect(new TextDecoder().decode(needle.data)).toBe('content 1');
  await needle.close();

  const env = nodeStoreEnvironment();
  const { signal } = new AbortController();
  for (const protocol of ['grpc', 'grpc-web', 'connect'] as const) {
    const transport = createConnectTransport({ protocol });
    const leader = createHoldfastLeaderClient({ address: port.address, transport, crc32c, timers });
    const copy = await mkdtemp(join(tmpdir(), 'holdfast-copy-'));
    try {
      const listing = await createLeaderSource({ leader }).list(signal);
      const context = { env, timers, signal, policy: defaultSyncPolicy, assertLocked: async () => {} };
      const [report] = await syncVolumes(listing, { ...context, directory: copy });
      expect(report).toMatchObject({ ok: true, outcome: 'copied', liveNeedles: 4 });
      for (const file of ['7.dat', '7.idx'])
        expect(Buffer.compare(await readFile(join(copy, file)), await readFile(join(directory, file)))).toBe(
          0,
        );
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }
});

it('a stream of its own tells how the volume grows, and ends with its caller', async () => {
  const connection = await createConnectTransport().connect(port.address, {
    signal: new AbortController().signal,
  });
  const ended = new AbortController();
  const requests = (async function* () {
    yield create(WatchVolumeRequestSchema, { volumeId: VOLUME_ID });
  })();
  const seen: bigint[] = [];
  for await (const { fileCount, datSizeBytes } of connection.stream(
    FilesService.method.watchVolume,
    requests,
    {
      signal: ended.signal,
    },
  )) {
    if (seen.at(-1) === fileCount) continue;
    seen.push(fileCount);
    if (fileCount < 2n) await fileIdOf(await putFile('a.txt', 'a'));
    else {
      expect(datSizeBytes).toBeGreaterThan(8n);
      break;
    }
  }
  expect(seen).toEqual([0n, 1n, 2n]);
  await connection.close();
});

it('refuses what is not there, as each protocol says it', async () => {
  const response = await putFile('a.txt', 'a', 99);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ code: 'not_found', message: 'there is no volume 99' });
  const connection = await createConnectTransport().connect(port.address, {
    signal: new AbortController().signal,
  });
  const requests = (async function* () {
    yield create(WatchVolumeRequestSchema, { volumeId: 99 });
  })();
  const stream = connection.stream(FilesService.method.watchVolume, requests, {
    signal: new AbortController().signal,
  });
  const refused = await stream[Symbol.asyncIterator]()
    .next()
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RpcError);
  expect(refused).toMatchObject({ code: 'not-found' });
  await connection.close();
});
