import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { systemTimers } from '@holdfast/format/node';
import { createDataApi, openNeedleStore } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { serve } from '@hono/node-server';
import { expect } from 'vitest';
import { startWeedCluster, type WeedVolumeServer } from '../../src/index.js';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As it goes over the wire: nothing is unpacked, nothing added. */
export function ask(address: string, { method, path, headers = {}, body }: Asked): Promise<Answered> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host, port, method, path, headers: { ...headers, ...lengthOf(body) } },
      (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(pieces) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const lengthOf = (body: Uint8Array | undefined) =>
  body === undefined ? {} : { 'content-length': `${body.length}` };

/** What the server or the connection says of itself. */
const OF_THE_SERVER = [
  'server',
  'x-amz-request-id',
  'x-content-type-options',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
];

function fieldsOf({ status, headers, body }: Answered): Record<string, unknown> {
  const fields = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OF_THE_SERVER.includes(name)),
  );
  const content = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const text = content.toString('latin1');
  if (fields['content-md5'] === '') delete fields['content-md5'];
  const isSaid = headers['content-type'] === 'application/json' && text.startsWith('{"');
  // The order of its members, and so its length, is not what it says.
  if (isSaid) delete fields['content-length'];
  return { status, ...fields, body: isSaid ? JSON.parse(text) : text };
}

/** A real volume server and Holdfast's data API, each with an empty volume 1. */
export interface TwoServers {
  readonly weed: WeedVolumeServer;
  readonly ownAddress: string;
  /** Of Holdfast's volume. */
  readonly directory: string;
  /** Asks both and expects one answer, but for the fields of `differs`, which do differ. */
  expectSame(asked: Asked, differs?: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

export async function startTwoServers(): Promise<TwoServers> {
  const cluster = await startWeedCluster();
  const weed = cluster.servers[0]!;
  await weed.allocate(1);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-data-api-'));
  const store = await openNeedleStore({ env: nodeStoreEnvironment(), timers: systemTimers, directory });
  await store.allocate({ volumeId: 1, collection: '' });
  const api = createDataApi({ env: nodeHttpEnvironment(), reads: store, writes: store });
  const server = await new Promise<Server>((resolve) => {
    const starting = serve(
      {
        port: 0,
        hostname: '127.0.0.1',
        fetch: (request, { incoming }) => api(request, { address: incoming.socket.remoteAddress ?? '' }),
      },
      () => resolve(starting),
    ) as Server;
  });
  const ownAddress = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    weed,
    ownAddress,
    directory,
    expectSame: (asked, differs = {}) => expectSame([weed.httpAddress, ownAddress], asked, differs),
    async stop() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await store.close();
      await rm(directory, { recursive: true });
      await cluster.stop();
    },
  };
}

async function expectSame(
  [weedAddress, ownAddress]: readonly [string, string],
  asked: Asked,
  differs: Readonly<Record<string, string>>,
): Promise<void> {
  const [theirs, ours] = [fieldsOf(await ask(weedAddress, asked)), fieldsOf(await ask(ownAddress, asked))];
  const differing = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].filter(
    (name) => JSON.stringify(theirs[name]) !== JSON.stringify(ours[name]),
  );
  const told = (fields: Record<string, unknown>) =>
    Object.fromEntries(
      differing.filter((name) => differs[name] === undefined).map((name) => [name, fields[name]]),
    );
  expect(told(ours)).toEqual(told(theirs));
  // A difference that is listed is one.
  expect(Object.keys(differs).filter((name) => !differing.includes(name))).toEqual([]);
}
