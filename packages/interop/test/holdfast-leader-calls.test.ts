import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  create,
  type MessageInitShape,
  type RpcConnection,
  type RpcError,
  type StreamMethod,
  type UnaryMethod,
  volumeServerPb,
} from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldfastVolumeServer, startHoldfastVolumeServer } from '../src/holdfast-volume-server.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

const { method } = volumeServerPb.VolumeServer;
const { signal } = new AbortController();
const transport = createGrpcTransport();

let cluster: WeedCluster;
let weed: WeedVolumeServer;
let holdfast: HoldfastVolumeServer;
let directory: string;
let connections: { readonly real: RpcConnection; readonly own: RpcConnection };

/** A real server whose volumes hold something of everything, and Holdfast's on a copy of its files. */
beforeAll(async () => {
  cluster = await startWeedCluster();
  weed = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-compared-'));
  await weed.allocate(1);
  await weed.allocate(2, { collection: 'c', ttl: '3d', replication: '000' });
  for (let id = 1n; id <= 12n; id++) {
    await weed.put(1, id, Buffer.from(`needle ${id} `.repeat(Number(id) * 20)), {
      name: `${id}.txt`,
      contentType: 'text/plain',
    });
    await weed.put(2, id, Buffer.from(`other ${id}`), { name: `${id}.bin` });
  }
  await weed.delete(1, 3n);
  await weed.vacuum(1);
  await weed.put(1, 20n, Buffer.from('after the vacuum'), { query: { ttl: '3h' } });
  await weed.delete(1, 5n);
  await weed.put(1, 21n, Buffer.alloc(0));
  for (const volumeId of [1, 2]) await weed.put(volumeId, 11n, Buffer.from('overwritten'));
  for (const volumeId of [1, 2]) await weed.unmount(volumeId);
  const copy = join(directory, 'copy');
  await mkdir(copy);
  for (const file of await readdir(weed.dataDirectory))
    if (/\.(dat|idx|vif)$/.test(file)) await cp(join(weed.dataDirectory, file), join(copy, file));
  for (const volumeId of [1, 2]) await weed.mount(volumeId);
  holdfast = await startHoldfastVolumeServer({ directory: copy });
  connections = {
    real: await transport.connect(weed.grpcAddress, { signal }),
    own: await transport.connect(holdfast.grpcAddress, { signal }),
  };
});

afterAll(async () => {
  await connections?.real.close();
  await connections?.own.close();
  await holdfast?.stop();
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

type Answer = { readonly messages: readonly object[] } | { readonly code: string; readonly text: string };

async function ask(
  connection: RpcConnection,
  called: UnaryMethod | StreamMethod,
  request: object,
): Promise<Answer> {
  const message = create(called.input, request as MessageInitShape<typeof called.input>);
  try {
    if (called.methodKind === 'unary')
      return { messages: [await connection.unary(called, message, { signal })] };
    const messages: object[] = [];
    for await (const answer of connection.stream(called, only(message), { signal })) messages.push(answer);
    return { messages };
  } catch (error) {
    const { code, message: text } = error as RpcError;
    return { code, text };
  }
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item;
}

/** Times and what belongs to one machine. */
const OWN_FIELDS = new Set([
  'modifiedTsNs',
  'idxFileTimestampSeconds',
  'datFileTimestampSeconds',
  'startTimeNs',
  'stopTimeNs',
  '$unknown',
]);

function comparable(answer: Answer): unknown {
  return JSON.parse(
    JSON.stringify(answer, (key, value: unknown) => {
      if (OWN_FIELDS.has(key)) return undefined;
      if (typeof value === 'bigint') return `${value}`;
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return value;
    }),
  );
}

type Case = readonly [what: string, called: UnaryMethod | StreamMethod, request: object];

const TO_THE_END = (1n << 63n) - 1n;
const files = ['.dat', '.idx'].flatMap((ext): Case[] => [
  [`${ext} to the end`, method.copyFile, { volumeId: 1, ext, stopOffset: TO_THE_END, compactionRevision: 1 }],
  [`${ext} to 100`, method.copyFile, { volumeId: 1, ext, stopOffset: 100n, compactionRevision: 4294967295 }],
  [`${ext} to 0`, method.copyFile, { volumeId: 1, ext, stopOffset: 0n, compactionRevision: 1 }],
  [
    `${ext} to 2^64 - 1`,
    method.copyFile,
    { volumeId: 1, ext, stopOffset: (1n << 64n) - 1n, compactionRevision: 1 },
  ],
  [
    `${ext} by name`,
    method.copyFile,
    { volumeId: 2, collection: 'c', ext, stopOffset: TO_THE_END, isEcVolume: true },
  ],
]);

const same: readonly Case[] = [
  ...files,
  ...[1, 2, 77].flatMap((volumeId): Case[] => [
    [`${volumeId}`, method.volumeSyncStatus, { volumeId }],
    [`${volumeId}`, method.volumeStatus, { volumeId }],
    [`${volumeId}`, method.readVolumeFileStatus, { volumeId }],
    [`${volumeId} since 0`, method.volumeIncrementalCopy, { volumeId }],
    [`${volumeId} since the end of time`, method.volumeIncrementalCopy, { volumeId, sinceNs: 1n << 62n }],
  ]),
  ['without news', method.volumeTailSender, { volumeId: 1, sinceNs: 1n << 62n, idleTimeoutSeconds: 1 }],
  ['77', method.volumeTailSender, { volumeId: 77, idleTimeoutSeconds: 1 }],
  ...[1n, 12n, 20n, 5n, 222n].map(
    (needleId): Case => [`${needleId}`, method.volumeNeedleStatus, { volumeId: 1, needleId }],
  ),
  ['the super block', method.readNeedleBlob, { volumeId: 1, offset: 0n, size: 0 }],
  ['a record', method.readNeedleBlob, { volumeId: 1, offset: 8n, size: 60 }],
  ['a negative size', method.readNeedleBlob, { volumeId: 1, offset: 8n, size: -1 }],
  ['a very negative size', method.readNeedleBlob, { volumeId: 1, offset: 8n, size: -1000 }],
  ['past the end', method.readNeedleBlob, { volumeId: 1, offset: 1n << 50n, size: 4 }],
  ['past the end', method.readNeedleMeta, { volumeId: 1, offset: 80000n, size: 5, needleId: 1n }],
  ['77', method.readNeedleMeta, { volumeId: 77 }],
  ['77', method.writeNeedleBlob, { volumeId: 77 }],
  [
    'a wrong size',
    method.writeNeedleBlob,
    { volumeId: 1, needleId: 1n, size: 3, needleBlob: new Uint8Array(64) },
  ],
  [
    'too short',
    method.writeNeedleBlob,
    { volumeId: 1, needleId: 1n, size: 3, needleBlob: new Uint8Array(4) },
  ],
  [
    'a negative size',
    method.writeNeedleBlob,
    { volumeId: 1, needleId: 1n, size: -5, needleBlob: new Uint8Array(64) },
  ],
  ['a bad extension', method.copyFile, { volumeId: 1, ext: 'dat', stopOffset: 1n }],
  ['a way out', method.copyFile, { volumeId: 1, ext: '.dat/../x', stopOffset: 1n }],
  ['another revision', method.copyFile, { volumeId: 1, ext: '.dat', compactionRevision: 7, stopOffset: 1n }],
  ['a bad collection', method.copyFile, { volumeId: 1, ext: '.dat', collection: '../x', stopOffset: 1n }],
  [
    'an absent file that may be',
    method.copyFile,
    { volumeId: 1, ext: '.cpd', isEcVolume: true, stopOffset: 1n, ignoreSourceFileNotFound: true },
  ],
  ['an absent file', method.copyFile, { volumeId: 1, ext: '.xyz', isEcVolume: true, stopOffset: 1n }],
  ['77', method.readAllNeedles, { volumeIds: [77] }],
  ['2', method.readAllNeedles, { volumeIds: [2] }],
  ['77', method.volumeMount, { volumeId: 77 }],
  ['77', method.volumeUnmount, { volumeId: 77 }],
  ['77', method.volumeDelete, { volumeId: 77 }],
  ['not empty', method.volumeDelete, { volumeId: 1, onlyEmpty: true }],
  ['77', method.volumeMarkReadonly, { volumeId: 77 }],
  ['77', method.volumeMarkWritable, { volumeId: 77 }],
  ['77', method.vacuumVolumeCheck, { volumeId: 77 }],
  ['77', method.vacuumVolumeCompact, { volumeId: 77 }],
  ['77', method.vacuumVolumeCommit, { volumeId: 77 }],
  ['77', method.vacuumVolumeCleanup, { volumeId: 77 }],
  ['77', method.volumeTailReceiver, { volumeId: 77, sourceVolumeServer: '10.0.0.1:1' }],
  ['there already', method.allocateVolume, { volumeId: 1, version: 3 }],
  ['version 0', method.allocateVolume, { volumeId: 9 }],
  ['a bad placement', method.allocateVolume, { volumeId: 9, version: 3, replication: 'abc' }],
  ['another disk', method.allocateVolume, { volumeId: 9, version: 3, diskType: 'ssd' }],
  ['of nothing', method.deleteCollection, { collection: 'nothing' }],
  ['77', method.scrubVolume, { mode: 1, volumeIds: [77] }],
  ['no mode', method.scrubVolume, { volumeIds: [1] }],
  ['index', method.scrubVolume, { mode: 1 }],
  ['full', method.scrubVolume, { mode: 2 }],
  ['itself', method.ping, {}],
  ['a stranger', method.ping, { target: '127.0.0.1:1', targetType: 'master' }],
  ['a stranger', method.ping, { target: '127.0.0.1:1', targetType: 'volumeServer' }],
  ['', method.getState, {}],
  ['of another version', method.setState, { state: { maintenance: true, version: 9 } }],
  ['bad ids', method.batchDelete, { fileIds: ['x', '99,0100000001', '1,0500000005'] }],
  ['bad ids unchecked', method.batchDelete, { fileIds: ['x', '1,0500000005'], skipCookieCheck: true }],
];

test.each(same.map(([what, called, request]) => [called.name, what, called, request] as const))(
  '%s %s: the answer of the real server',
  async (_name, _what, called, request) => {
    const real = await ask(connections.real, called, request);
    const own = await ask(connections.own, called, request);
    expect(comparable(own)).toEqual(comparable(real));
    weed.assertAlive();
  },
);

test.each([
  [
    'an empty needle has its cookie',
    method.volumeNeedleStatus,
    { volumeId: 1, needleId: 21n },
    { messages: [{ cookie: 0, size: 0 }] },
    { messages: [{ cookie: 21, size: 0 }] },
  ],
  [
    'the id that was found is told in hex, once',
    method.readNeedleMeta,
    { volumeId: 1, offset: 8n, size: 5, needleId: 1n },
    { code: 'unknown', text: expect.stringMatching(/found id 31 size \d+, expected size 5$/) },
    { code: 'unknown', text: expect.stringMatching(/found id 1 size \d+, expected size 5$/) },
  ],
  [
    'a negative offset tells no path',
    method.readNeedleBlob,
    { volumeId: 1, offset: -8n, size: 5 },
    { code: 'unknown', text: expect.stringContaining('/1.dat: negative offset') },
    { code: 'unknown', text: 'read needle blob offset -8 size 5: negative offset' },
  ],
  [
    'a file that is not there tells no path',
    method.copyFile,
    { volumeId: 1, ext: '.xyz', stopOffset: 1n, compactionRevision: 1 },
    { code: 'unknown', text: expect.stringMatching(/^open \/.*\/1\.xyz: no such file or directory$/) },
    { code: 'unknown', text: 'open 1.xyz: no such file or directory' },
  ],
  [
    'an empty needle that is deleted was there',
    method.batchDelete,
    { fileIds: ['1,1500000015'] },
    { messages: [{ results: [{ status: 304 }] }] },
    { messages: [{ results: [{ status: 202 }] }] },
  ],
] as const)('where the two differ: %s', async (_what, called, request, real, own) => {
  expect(await ask(connections.real, called, request)).toMatchObject(real);
  expect(await ask(connections.own, called, request)).toMatchObject(own);
});

test('the same changes, one after the other, have the same answers and the same end', async () => {
  const both = async (what: string, called: UnaryMethod | StreamMethod, request: object) => {
    const real = comparable(await ask(connections.real, called, request));
    expect(comparable(await ask(connections.own, called, request)), what).toEqual(real);
    return real;
  };
  const volumeId = 1;
  const found = { messages: [{ size: expect.any(Number) }] };
  await both('deletions', method.batchDelete, { fileIds: ['1,0100000001', '1,0100000001', '1,02000000ff'] });
  await both('unchecked ones', method.batchDelete, {
    fileIds: ['1,02000000ff', '1,63000000ff'],
    skipCookieCheck: true,
  });
  await both('deletions in a volume with a ttl', method.batchDelete, { fileIds: ['2,0100000001'] });
  await both('marked', method.volumeMarkReadonly, { volumeId });
  await both('marked as', method.volumeStatus, { volumeId });
  await both('refused', method.batchDelete, { fileIds: ['1,0600000006'] });
  await both('marked again', method.volumeMarkWritable, { volumeId });
  expect(await both('live', method.volumeNeedleStatus, { volumeId, needleId: 6n })).toMatchObject(found);
  await both('deleted', method.volumeNeedleStatus, { volumeId, needleId: 1n });
  await both('counted', method.volumeStatus, { volumeId });
  // A needle with a ttl of its own, which the real vacuum loses (format.md §8) and Holdfast's keeps.
  await both('without a ttl', method.batchDelete, { fileIds: ['1,1400000014'] });
  await both('compacted', method.vacuumVolumeCompact, { volumeId });
  await both('committed', method.vacuumVolumeCommit, { volumeId });
  await both('cleaned up', method.vacuumVolumeCleanup, { volumeId });
  await both('counted anew', method.readVolumeFileStatus, { volumeId });
  await both('nothing to compact', method.vacuumVolumeCheck, { volumeId });
  await both('forgotten', method.volumeNeedleStatus, { volumeId, needleId: 1n });
  await both('deleted for good', method.volumeDelete, { volumeId: 2 });
  await both('gone', method.volumeSyncStatus, { volumeId: 2 });
});

test('a volume is taken over from the real server, and caught up with', async () => {
  await weed.allocate(30);
  for (let id = 1n; id <= 20n; id++)
    await weed.put(30, id, Buffer.from(`needle ${id}`), { name: `${id}.txt` });
  await weed.put(30, 21n, Buffer.alloc(0));
  await weed.delete(30, 7n);
  const sourceDataNode = weed.httpAddress;
  const copied = await ask(connections.own, method.volumeCopy, { volumeId: 30, sourceDataNode });
  expect(copied).toMatchObject({ messages: [{ processedBytes: 0n }] });
  for (const ext of ['.dat', '.idx'] as const)
    expect(Buffer.compare(await holdfast.readFile(30, ext), await weed.readFile(30, ext))).toBe(0);
  const [{ lastAppendAtNs: sinceNs }] = (copied as { messages: [{ lastAppendAtNs: bigint }] }).messages;
  await weed.put(30, 1n, Buffer.from('changed'));
  await weed.put(30, 40n, Buffer.alloc(0));
  await weed.put(30, 41n, Buffer.alloc(3_000_000, 'long'));
  await weed.delete(30, 2n);
  await weed.delete(30, 21n);
  const request = { volumeId: 30, sinceNs, idleTimeoutSeconds: 1, sourceVolumeServer: sourceDataNode };
  expect(await ask(connections.own, method.volumeTailReceiver, request)).toHaveProperty('messages');
  for (const needleId of [1n, 2n, 7n, 20n, 21n, 40n, 41n, 50n]) {
    const asked = { volumeId: 30, needleId };
    const real = comparable(await ask(connections.real, method.volumeNeedleStatus, asked));
    const own = comparable(await ask(connections.own, method.volumeNeedleStatus, asked));
    if (needleId === 40n) expect(own).toMatchObject({ messages: [{ size: 0, cookie: 40 }] });
    else expect(own, `${needleId}`).toEqual(real);
  }
});
