import { systemClock, systemTimers } from '@holdfast/format/node';
import { type LeaderSession, type LeaderVolume, volumeServerPb } from '@holdfast/protocol';
import { createMasterClient, createSeaweedLeader, type SeaweedLimits } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { createSeededRandom, randomLife } from '@holdfast/testkit';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { liveOutOnWeed, startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

const transport = createGrpcTransport();
const { signal } = new AbortController();
const random = createSeededRandom(5);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let session: LeaderSession;
let nextVolumeId = 1;

const openSession = (limits: Partial<SeaweedLimits> = {}): Promise<LeaderSession> =>
  leaderClient(limits).openSession(signal);

const leaderClient = (limits: Partial<SeaweedLimits> = {}) =>
  createSeaweedLeader({
    transport,
    fetch: createNodeFetch(),
    grpcAddress: server.grpcAddress,
    httpAddress: server.httpAddress,
    timers: systemTimers,
    clock: systemClock,
    limits,
  });

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  session = await openSession();
});

afterEach(() => server.assertAlive());

afterAll(async () => {
  await session?.close();
  await cluster?.stop();
});

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

async function filledVolume(
  options: { readonly version?: 1 | 2 | 3; readonly collection?: string; readonly needles?: number } = {},
): Promise<{ readonly volumeId: number; readonly volume: LeaderVolume }> {
  const volumeId = nextVolumeId++;
  const { collection = '', needles = 12 } = options;
  await server.allocate(volumeId, options);
  for (let id = 1; id <= needles; id++) {
    const response = await server.put(
      volumeId,
      BigInt(id),
      random.bytes(1 + Math.floor(random.nextFloat() * 2000)),
    );
    expect(response.status).toBe(201);
  }
  return { volumeId, volume: session.volume(volumeId, collection) };
}

test.each([1, 2, 3] as const)(
  'a volume of version %i: status, ranges at every edge, index',
  async (version) => {
    const { volumeId, volume } = await filledVolume({ version, collection: 'pictures.of-it' });
    await server.delete(volumeId, 2n);
    const dat = await server.readFile(volumeId, '.dat', 'pictures.of-it');
    const idx = await server.readFile(volumeId, '.idx', 'pictures.of-it');
    expect(await volume.status(signal)).toMatchObject({
      revision: 0,
      datSizeBytes: dat.length,
      idxSizeBytes: idx.length,
      version,
      offsetWidthBytes: 5,
      collection: 'pictures.of-it',
      readOnly: false,
    });
    const end = dat.length;
    const edges = [
      0,
      1,
      7,
      8,
      9,
      23,
      24,
      31,
      32,
      33,
      40,
      41,
      end - 33,
      end - 32,
      end - 31,
      end - 8,
      end - 1,
      end,
    ];
    const ranges = edges.flatMap((from) =>
      edges.filter((to) => to >= from).map((to) => ({ offset: from, lengthBytes: to - from })),
    );
    const expected = ranges.map(({ offset, lengthBytes }) => dat.subarray(offset, offset + lengthBytes));
    const read = await collect(volume.readRanges(ranges, signal));
    expect(read.equals(Buffer.concat(expected))).toBe(true);
    expect((await collect(volume.readIndex(0, idx.length, signal))).equals(idx)).toBe(true);
    expect((await collect(volume.readIndex(17, 51, signal))).equals(idx.subarray(17, 51))).toBe(true);
    const pastEnd = { code: 'past-end', volumeId };
    await expect(
      collect(volume.readRanges([{ offset: end - 64, lengthBytes: 65 }], signal)),
    ).rejects.toMatchObject(pastEnd);
    await expect(collect(volume.readRanges([{ offset: end, lengthBytes: 1 }], signal))).rejects.toMatchObject(
      pastEnd,
    );
    await expect(collect(volume.readIndex(0, idx.length + 17, signal))).rejects.toMatchObject(pastEnd);
  },
);

test('a volume labelled 2 that has not been mounted again says that it runs as 3', async () => {
  const volumeId = nextVolumeId++;
  await server.unary(volumeServerPb.VolumeServer.method.allocateVolume, {
    volumeId,
    replication: '000',
    version: 2,
  });
  await server.put(volumeId, 1n, random.bytes(200));
  const volume = session.volume(volumeId, '');
  const dat = await server.readFile(volumeId, '.dat');
  expect((await volume.status(signal)).version).toBe(3);
  expect(
    (await collect(volume.readRanges([{ offset: 0, lengthBytes: dat.length }], signal))).equals(dat),
  ).toBe(true);
});

test('an empty volume is read to its 8 bytes and no further', async () => {
  const { volumeId, volume } = await filledVolume({ needles: 0 });
  expect(await volume.status(signal)).toMatchObject({ datSizeBytes: 8, idxSizeBytes: 0 });
  const dat = await server.readFile(volumeId, '.dat');
  expect((await collect(volume.readRanges([{ offset: 0, lengthBytes: 8 }], signal))).equals(dat)).toBe(true);
  const tooFar = collect(volume.readRanges([{ offset: 0, lengthBytes: 9 }], signal));
  await expect(tooFar).rejects.toMatchObject({ code: 'past-end' });
  const copy = await volume.openPinnedCopy(await volume.status(signal), signal);
  expect((await collect(copy.dat)).equals(dat)).toBe(true);
  expect(await collect(copy.idx)).toHaveLength(0);
});

test('live, empty, deleted and absent needles', async () => {
  const { volumeId, volume } = await filledVolume();
  expect((await server.put(volumeId, 50n, new Uint8Array(0))).status).toBe(201);
  await server.delete(volumeId, 2n);
  for (const [needleId, live] of [
    [1n, true],
    [50n, true],
    [2n, false],
    [999n, false],
  ] as const) {
    expect(await volume.isNeedleLive(needleId, signal), String(needleId)).toBe(live);
  }
});

test('what the server says of unknown volumes, by every call', async () => {
  const absent = session.volume(7777, '');
  const notFound = { code: 'volume-not-found', volumeId: 7777 };
  await expect(absent.status(signal)).rejects.toMatchObject(notFound);
  await expect(absent.isNeedleLive(1n, signal)).rejects.toMatchObject(notFound);
  await expect(collect(absent.readRanges([{ offset: 0, lengthBytes: 64 }], signal))).rejects.toMatchObject(
    notFound,
  );
  await expect(collect(absent.readIndex(0, 17, signal))).rejects.toMatchObject(notFound);
  const { volume } = await filledVolume();
  const status = await volume.status(signal);
  await expect(absent.openPinnedCopy(status, signal)).rejects.toMatchObject(notFound);
});

test('an open compaction is seen, and no range is sent beside it', async () => {
  const { volumeId, volume } = await filledVolume();
  const ranges = [{ offset: 0, lengthBytes: 64 }];
  expect(await volume.compactionOpen(signal)).toBe(false);
  await server.compact(volumeId);
  expect(await volume.compactionOpen(signal)).toBe(true);
  const fresh = (await openSession()).volume(volumeId, '');
  await expect(collect(fresh.readRanges(ranges, signal))).rejects.toMatchObject({ code: 'compaction-open' });
  await server.commit(volumeId);
  expect(await volume.compactionOpen(signal)).toBe(false);
  expect((await fresh.status(signal)).revision).toBe(1);
  expect(await collect(fresh.readRanges(ranges, signal))).toHaveLength(64);
});

test('a pinned copy is the old generation although vacuums commit under it', async () => {
  const volumeId = nextVolumeId++;
  await server.allocate(volumeId);
  const volume = session.volume(volumeId, '');
  for (let id = 1n; id <= 12n; id++) await server.put(volumeId, id, random.bytes(2 * 1024 * 1024));
  await server.put(volumeId, 3n, random.bytes(1000));
  await server.delete(volumeId, 5n);
  const dat = await server.readFile(volumeId, '.dat');
  const idx = await server.readFile(volumeId, '.idx');
  const status = await volume.status(signal);
  const copy = await volume.openPinnedCopy(status, signal);
  await server.vacuum(volumeId);
  await server.put(volumeId, 1n, random.bytes(700));
  await server.vacuum(volumeId);
  expect((await collect(copy.idx)).equals(idx)).toBe(true);
  expect((await collect(copy.dat)).equals(dat)).toBe(true);
  expect((await volume.status(signal)).revision).toBe(2);
  await expect(volume.openPinnedCopy(status, signal)).rejects.toMatchObject({ code: 'revision-changed' });
});

test('a volume that a commit without a compaction has closed: said so, and the server lives', async () => {
  const { volumeId, volume } = await filledVolume();
  await expect(server.commit(volumeId)).rejects.toThrow('commit compact volume');
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'volume-closed' });
  const fresh = (await openSession()).volume(volumeId, '');
  const read = collect(fresh.readRanges([{ offset: 0, lengthBytes: 64 }], signal));
  await expect(read).rejects.toMatchObject({ code: 'volume-closed' });
  await server.assertStaysAlive();
  await server.unmount(volumeId);
  await server.mount(volumeId);
  expect(await volume.status(signal)).toMatchObject({ revision: 0 });
});

test('the sweep is fresh at once', async () => {
  const { volumeId } = await filledVolume();
  const client = leaderClient();
  const line = async () => (await client.sweep(signal)).find((entry) => entry.volumeId === volumeId);
  const before = await line();
  await server.put(volumeId, 80n, random.bytes(100));
  const after = await line();
  expect(after?.fileCount).toBe((before?.fileCount ?? 0) + 1);
  expect(after).toMatchObject({ collection: '', revision: 0 });
  expect(after?.contentBytes).toBeGreaterThan(before?.contentBytes ?? 0);
});

test('at every sync of a random life the leader is read as its files are', async () => {
  const volumeId = nextVolumeId++;
  await server.allocate(volumeId);
  for (const operation of randomLife(createSeededRandom(31), { syncs: 10 })) {
    await liveOutOnWeed(server, volumeId, operation);
    if (operation.kind !== 'sync') continue;
    const opened = await openSession({ minRangeBytes: 4096, rangeBytes: 8192 });
    const volume = opened.volume(volumeId, '');
    const status = await volume.status(signal);
    const dat = await server.readFile(volumeId, '.dat');
    const idx = await server.readFile(volumeId, '.idx');
    expect(status).toMatchObject({ datSizeBytes: dat.length, idxSizeBytes: idx.length });
    const ranges = [{ offset: 0, lengthBytes: status.datSizeBytes }];
    expect((await collect(volume.readRanges(ranges, signal))).equals(dat)).toBe(true);
    expect((await collect(volume.readIndex(0, status.idxSizeBytes, signal))).equals(idx)).toBe(true);
    await opened.close();
  }
  session = await openSession();
});

test('the master: lookup, list, watch and the id of the cluster', async () => {
  const { volumeId } = await filledVolume({ collection: 'listed' });
  await cluster.waitForVolume(volumeId);
  const master = createMasterClient({
    transport,
    fetch: createNodeFetch(),
    addresses: [cluster.masterAddress],
    timers: systemTimers,
  });
  const { httpAddress, grpcAddress } = server;
  const found = await master.lookup([volumeId, 7777], signal);
  expect([...found.keys()]).toEqual([volumeId]);
  expect(found.get(volumeId)).toMatchObject([{ httpAddress, grpcAddress }]);
  const { volumes } = await master.listVolumes(signal);
  expect(volumes.find((volume) => volume.volumeId === volumeId)).toMatchObject({
    collection: 'listed',
    kind: 'normal',
    server: { httpAddress, grpcAddress, serverId: httpAddress },
  });
  expect(await master.clusterId(signal)).toMatch(/^[0-9a-f-]{36}$/);

  const watch = master.watch(signal)[Symbol.asyncIterator]();
  const { value: first } = await watch.next();
  expect(first).toMatchObject({ server: { grpcAddress } });
  expect(first.addedVolumeIds).toContain(volumeId);
  await server.deleteVolume(volumeId);
  const { value: change } = await watch.next();
  expect(change.removedVolumeIds).toEqual([volumeId]);
  await watch.return?.();
});

test('a server that ends is unreachable, and its session stays so', async () => {
  const { volumeId } = await filledVolume();
  const opened = await openSession();
  const volume = opened.volume(volumeId, '');
  await volume.status(signal);
  await server.kill();
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'unreachable' });
  await expect(openSession()).rejects.toMatchObject({ code: 'unreachable' });
  await server.start();
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'unreachable' });
  session = await openSession();
  const { datSizeBytes } = await session.volume(volumeId, '').status(signal);
  expect(datSizeBytes).toBe((await server.readFile(volumeId, '.dat')).length);
});
