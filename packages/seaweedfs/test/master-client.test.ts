import { create } from '@bufbuild/protobuf';
import { createMemoryNetwork, createRpcService, masterPb } from '@holdfast/protocol';
import {
  createStockMaster,
  createStockServer,
  createVirtualTime,
  type StockMasterOptions,
} from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createMasterClient, type LocationChange } from '../src/index.js';

async function cluster(options: Partial<StockMasterOptions> = {}) {
  const time = createVirtualTime();
  const network = createMemoryNetwork({ timers: time.timers });
  const servers = [1, 2].map((at) =>
    createStockServer({ network, grpcAddress: `s${at}:18080`, httpAddress: `s${at}:8080` }),
  );
  servers[0]!.allocate(1);
  servers[0]!.allocate(2, { collection: 'c' });
  servers[1]!.allocate(2, { collection: 'c' });
  const master = createStockMaster({ network, servers, ...options });
  await master.start();
  const { signal } = new AbortController();
  const client = (addresses: string[]) =>
    createMasterClient({ transport: network, fetch: master.fetch, addresses, timers: time.timers });
  return { time, network, servers, master, client, signal };
}

/** A master of which nothing is known but what its location stream says. */
function masterThatSays(says: (signal: AbortSignal) => AsyncIterable<{ readonly leader?: string }>) {
  return createRpcService(masterPb.Seaweed, {
    async *keepConnected(_requests, { signal }) {
      for await (const volumeLocation of says(signal))
        yield create(masterPb.KeepConnectedResponseSchema, { volumeLocation });
    },
  });
}

test('a lookup tells where volumes are and leaves out what is nowhere', async () => {
  const { client, signal } = await cluster();
  const found = await client(['master:9333']).lookup([1, 2, 777], signal);
  const at = (name: string) => ({
    httpAddress: `${name}:8080`,
    grpcAddress: `${name}:18080`,
    publicUrl: `${name}:8080`,
    dataCenter: 'dc1',
  });
  expect(found).toEqual(
    new Map([
      [1, [at('s1')]],
      [2, [at('s1'), at('s2')]],
    ]),
  );
});

test('the list has every copy, and names what cannot be followed', async () => {
  const { client, signal } = await cluster({ erasureCodedVolumeIds: [9] });
  const { volumes, volumeSizeLimitBytes } = await client(['master:9333']).listVolumes(signal);
  expect(volumeSizeLimitBytes).toBe(30 * 1024 ** 3);
  expect(
    volumes.map(({ volumeId, kind, server, collection }) => [volumeId, kind, server.serverId, collection]),
  ).toEqual([
    [1, 'normal', 's1:8080', ''],
    [2, 'normal', 's1:8080', 'c'],
    [9, 'erasure-coded', 's1:8080', ''],
    [2, 'normal', 's2:8080', 'c'],
  ]);
});

test('a watch tells everything first, then each change, and fails when the master goes', async () => {
  const { client, signal, servers, master } = await cluster();
  const changes: LocationChange[] = [];
  const watch = client(['master:9333']).watch(signal)[Symbol.asyncIterator]();
  changes.push((await watch.next()).value, (await watch.next()).value);
  expect(changes.map((change) => change.addedVolumeIds)).toEqual([[1, 2], [2]]);
  servers[1]!.allocate(5);
  servers[1]!.deleteVolume(2);
  master.announce();
  const { value } = await watch.next();
  expect(value).toMatchObject({
    addedVolumeIds: [5],
    removedVolumeIds: [2],
    server: { grpcAddress: 's2:18080' },
  });
  const failure = expect(watch.next()).rejects.toMatchObject({ code: 'master-unreachable' });
  await master.stop();
  await failure;
});

test('the leader is found through any master, dead ones included', async () => {
  const { client, signal, network, servers } = await cluster();
  const follower = createStockMaster({
    network,
    servers,
    grpcAddress: 'other:19333',
    httpAddress: 'other:9333',
    leader: 'master:9333.19333',
  });
  await follower.start();
  const found = await client(['dead:9333', 'other:9333']).lookup([1], signal);
  expect([...found.keys()]).toEqual([1]);
  await expect(client(['dead:9333']).lookup([1], signal)).rejects.toMatchObject({
    code: 'master-unreachable',
  });
});

test('a master that never says who leads is waited for a minute, then the next one is asked', async () => {
  const { time, network, client, signal } = await cluster();
  const isAborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await network.serve('frozen:1', [
    // biome-ignore lint/correctness/useYield: that it says nothing is what it does.
    masterThatSays(async function* (signal) {
      await isAborted(signal);
    }),
  ]);
  await network.serve('babbling:1', [
    masterThatSays(async function* (signal) {
      while (!signal.aborted) {
        await time.timers.sleep(1000, signal);
        yield {};
      }
    }),
  ]);
  const found = client(['frozen:9.1', 'babbling:9.1', 'master:9333']).lookup([1], signal);
  await time.advance(120_000);
  expect((await found).size).toBe(1);
  const alone = expect(client(['frozen:9.1']).lookup([1], signal)).rejects.toMatchObject({
    code: 'master-unreachable',
    message: expect.stringContaining('frozen:1 has not said who leads in 60000 ms'),
  });
  await time.advance(60_000);
  await alone;
});

test('a leader by a name that is no address is a bad answer', async () => {
  const { network, client, signal } = await cluster();
  await network.serve('odd:1', [
    masterThatSays(async function* () {
      yield { leader: 'nowhere' };
    }),
  ]);
  await expect(client(['odd:9.1']).lookup([1], signal)).rejects.toMatchObject({ code: 'bad-answer' });
});

test.each(['', 'x', '1e3', '-1', '5000000000'])(
  'an answer about volume %j is none',
  async (volumeOrFileId) => {
    const { network, client, signal } = await cluster();
    const service = createRpcService(masterPb.Seaweed, {
      async *keepConnected() {
        yield create(masterPb.KeepConnectedResponseSchema, { volumeLocation: { leader: 'liar:9.1' } });
      },
      async lookupVolume() {
        const locations = [{ url: 's1:8080' }];
        return create(masterPb.LookupVolumeResponseSchema, {
          volumeIdLocations: [{ volumeOrFileId, locations }],
        });
      },
    });
    await network.serve('liar:1', [service]);
    await expect(client(['liar:9.1']).lookup([1], signal)).rejects.toMatchObject({ code: 'bad-answer' });
  },
);

test('masters that name another one again and again are followed a few times', async () => {
  const { network, client, signal } = await cluster();
  for (let at = 1; at < 100; at++) {
    await network.serve(`m${at}:1`, [
      masterThatSays(async function* () {
        yield { leader: `m${at + 1}:9.1` };
      }),
    ]);
  }
  await expect(client(['m1:9.1']).lookup([1], signal)).rejects.toMatchObject({
    code: 'bad-answer',
    message: expect.stringContaining('m9:1'),
  });
});

test("a cluster's id is its topology's, where it has one", async () => {
  const { client, signal } = await cluster({ topologyId: '257200ce-d5eb-45fe-a848-f2625a5fe415' });
  expect(await client(['dead:1', 'master:9333']).clusterId(signal)).toBe(
    '257200ce-d5eb-45fe-a848-f2625a5fe415',
  );
  const older = await cluster();
  expect(await older.client(['master:9333']).clusterId(signal)).toBeUndefined();
});

test('only masters that are known are asked for their time', async () => {
  const { client, signal } = await cluster();
  const known = client(['master:9333']);
  expect(await known.ping('master:9333.19333', signal)).toBe(2n);
  expect(await known.ping('elsewhere:9333', signal)).toBeUndefined();
  await expect(client(['dead:9333']).ping('dead:9333', signal)).rejects.toMatchObject({
    code: 'master-unreachable',
  });
});

test('a client without an address is a mistake', async () => {
  const { client } = await cluster();
  expect(() => client([])).toThrow(RangeError);
  expect(() => client(['nonsense'])).toThrow(expect.objectContaining({ code: 'bad-address' }));
});

test('a volume server in the place of a master is told as what it is', async () => {
  const { client, signal, servers } = await cluster();
  await servers[0]!.start();
  await expect(client(['s1:8080']).listVolumes(signal)).rejects.toMatchObject({
    code: 'bad-answer',
    message: expect.stringContaining('is no SeaweedFS master'),
  });
});
