import { create } from '@bufbuild/protobuf';
import { createMemoryNetwork, volumeServerPb } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import {
  createSeededRandom,
  createStockServer,
  createVirtualTime,
  liveOut,
  randomLife,
} from '../../src/index.js';

const { method } = volumeServerPb.VolumeServer;
const { signal } = new AbortController();
const data = (fill: number) => new Uint8Array(40).fill(fill);

async function connected(release: '4.44' | '4.48' = '4.48') {
  const network = createMemoryNetwork({ timers: createVirtualTime().timers });
  const server = createStockServer({ network, release });
  const volume = server.allocate(1);
  for (let id = 1n; id <= 6n; id++) volume.put(id, data(Number(id)));
  await server.start();
  return { server, volume, connection: await network.connect(server.grpcAddress, { signal }) };
}

const readBlob = (offset: number, size: number) =>
  create(volumeServerPb.ReadNeedleBlobRequestSchema, { volumeId: 1, offset: BigInt(offset), size });

test.each([
  ['a range of a closed volume', '4.48', true, 0],
  ['a very negative size on 4.44', '4.44', false, -100],
] as const)('%s ends the server, and the test with it', async (_what, release, closed, size) => {
  const { server, volume, connection } = await connected(release);
  if (closed) expect(() => volume.commit()).toThrow('compact swap aborted');
  await expect(connection.unary(method.readNeedleBlob, readBlob(8, size), { signal })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(() => server.assertAlive()).toThrow('killed');
});

test('a status call that can end the real server ends this one at once', async () => {
  const { server, connection } = await connected();
  const request = create(volumeServerPb.VolumeSyncStatusRequestSchema, { volumeId: 1 });
  await expect(connection.unary(method.volumeSyncStatus, request, { signal })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(() => server.assertAlive()).toThrow('VolumeSyncStatus');
});

test('a negative size on 4.48 is refused, a range past the end fails whole', async () => {
  const { server, volume, connection } = await connected();
  const read = (offset: number, size: number) =>
    connection.unary(method.readNeedleBlob, readBlob(offset, size), { signal });
  await expect(read(8, -1)).rejects.toThrow('invalid needle size -1');
  await expect(read(volume.tailBytes - 24, 0)).rejects.toThrow(/: EOF$/);
  expect((await read(volume.tailBytes - 32, 0)).needleBlob).toEqual(volume.dat.slice(-32));
  server.assertAlive();
});

test('what is written during a compaction is there after its commit, in an order of its own', async () => {
  const { volume } = await connected();
  volume.compact();
  volume.put(1n, data(100));
  volume.delete(2n);
  volume.put(9n, new Uint8Array(0));
  volume.put(3n, data(101));
  volume.commit();
  const live = new Map(volume.liveNeedles().map((needle) => [needle.needleId, needle.data]));
  expect([...live.keys()].sort()).toEqual([1n, 3n, 4n, 5n, 6n, 9n]);
  expect(live.get(1n)).toEqual(data(100));
  expect(live.get(9n)).toHaveLength(0);
  expect(volume.revision).toBe(1);
});

test('the same seed is the same life, and no life closes its volume', async () => {
  const files = async (seed: number): Promise<Buffer> => {
    const network = createMemoryNetwork({ timers: createVirtualTime().timers });
    const server = createStockServer({ network });
    for (const operation of randomLife(createSeededRandom(seed), { syncs: 20 })) {
      await liveOut(server, 1, operation);
    }
    server.assertAlive();
    const { dat, idx } = server.volumes.get(1)!;
    return Buffer.concat([dat, idx]);
  };
  for (const seed of [1, 2, 3]) expect((await files(seed)).equals(await files(seed))).toBe(true);
  expect((await files(1)).equals(await files(2))).toBe(false);
});
