import { RpcError } from '@holdfast/protocol';
import { createSeededRandom, liveOut, randomLife } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createSeaweedLeader } from '../src/index.js';
import { collect, stockFixture, VOLUME_ID } from './stock-fixture.js';

test.each(['4.44', '4.48'] as const)('the status of %s is that of one generation', async (release) => {
  const { volume, stock, server, signal } = await stockFixture({ release, collection: 'pictures' });
  let asked = 0;
  server.hooks = {
    beforeCall: () => {
      if (++asked === 2) stock.vacuum();
    },
  };
  expect(await volume.status(signal)).toEqual({
    revision: 1,
    datSizeBytes: stock.dat.length,
    idxSizeBytes: stock.idx.length,
    version: 3,
    offsetWidthBytes: release === '4.44' ? 4 : 5,
    collection: 'pictures',
    readOnly: false,
    replication: '',
    lineageId: undefined,
  });
  expect(asked).toBe(3);
});

test('a revision that never stands still ends as revision-changed', async () => {
  const { volume, stock, server, signal } = await stockFixture();
  server.hooks = { beforeCall: () => stock.vacuum() };
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'revision-changed' });
});

test('a volume that a failed vacuum closed is volume-closed, and the server lives', async () => {
  const { volume, stock, server, signal } = await stockFixture();
  stock.compact();
  stock.failCommit();
  stock.cleanup();
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'volume-closed', volumeId: VOLUME_ID });
  const read = collect(volume.readRanges([{ offset: 0, lengthBytes: 64 }], signal));
  await expect(read).rejects.toMatchObject({ code: 'volume-closed' });
  server.assertAlive();
});

test('an index with an entry that a full disk cut short is a bad answer', async () => {
  const { volume, stock, signal } = await stockFixture();
  stock.idxFile.write(stock.idx.length, new Uint8Array(9));
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'bad-answer', volumeId: VOLUME_ID });
});

test('an unknown volume, and one of another collection, are volume-not-found', async () => {
  const { session, signal } = await stockFixture({ collection: 'a' });
  for (const other of [session.volume(77, ''), session.volume(VOLUME_ID, 'b')]) {
    await expect(other.status(signal)).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(collect(other.readIndex(0, 17, signal))).rejects.toMatchObject({ code: 'volume-not-found' });
  }
  await expect(session.volume(77, '').isNeedleLive(1n, signal)).rejects.toMatchObject({
    code: 'volume-not-found',
  });
});

test('the index is read from any entry to any entry, and past its end is past-end', async () => {
  const { volume, stock, server, signal } = await stockFixture({ messageBytes: 50 });
  stock.compact();
  const { idx } = stock;
  expect(await collect(volume.readIndex(0, idx.length, signal))).toEqual(idx);
  expect(await collect(volume.readIndex(34, 85, signal))).toEqual(idx.slice(34, 85));
  expect(await collect(volume.readIndex(17, 17, signal))).toHaveLength(0);
  expect(volume.bytesReceived).toBe(idx.length + 85);
  const tooFar = collect(volume.readIndex(0, idx.length + 1, signal));
  await expect(tooFar).rejects.toMatchObject({ code: 'past-end', offset: idx.length });
  server.assertAlive();
});

test.each(['4.44', '4.48'] as const)('whether a needle is live on %s', async (release) => {
  const { volume, stock, signal } = await stockFixture({ release });
  stock.put(100n, new Uint8Array(0));
  stock.put(101n, new Uint8Array(9));
  stock.delete(101n);
  expect(await volume.isNeedleLive(100n, signal)).toBe(true);
  expect(await volume.isNeedleLive(101n, signal)).toBe(false);
  expect(await volume.isNeedleLive(102n, signal)).toBe(false);
});

test('a pinned pair is the generation that it was opened in, whatever vacuums follow', async () => {
  const { volume, stock, signal } = await stockFixture({ messageBytes: 256 });
  const status = await volume.status(signal);
  const { dat, idx } = stock;
  const copy = await volume.openPinnedCopy(status, signal);
  stock.put(500n, new Uint8Array(700).fill(5));
  stock.delete(3n);
  stock.vacuum();
  stock.vacuum();
  expect(await collect(copy.idx)).toEqual(idx);
  expect(await collect(copy.dat)).toEqual(dat);
  await copy.close();
});

test('a pair of another revision than the status is refused, in both forms', async () => {
  const { volume, stock, server, signal } = await stockFixture();
  const status = await volume.status(signal);
  stock.vacuum();
  await expect(volume.openPinnedCopy(status, signal)).rejects.toMatchObject({ code: 'revision-changed' });

  const again = await volume.status(signal);
  server.hooks = {
    beforeCall: (call) => {
      if (call.ext === '.idx') stock.vacuum();
    },
  };
  // The plain form was used just now, so this pair is opened by name, where the server checks nothing.
  await expect(volume.openPinnedCopy(again, signal)).rejects.toMatchObject({ code: 'revision-changed' });
});

test('a tail that the server rounded up may miss 7 bytes of the copy and no more', async () => {
  const { volume, stock, signal } = await stockFixture();
  stock.load(stock.dat.slice(0, -3), stock.idx);
  const status = await volume.status(signal);
  expect(status.datSizeBytes).toBe(stock.dat.length + 3);
  expect(await collect((await volume.openPinnedCopy(status, signal)).dat)).toEqual(stock.dat);
  const longer = { ...status, datSizeBytes: status.datSizeBytes + 8 };
  const copy = await volume.openPinnedCopy(longer, signal);
  await expect(collect(copy.dat)).rejects.toMatchObject({ code: 'past-end' });
});

test('a stream on which nothing comes for a minute is given up', async () => {
  const { volume, server, stock, time, signal } = await stockFixture();
  server.hooks = { beforeMessage: () => new Promise(() => {}) };
  const read = expect(collect(volume.readIndex(0, stock.idx.length, signal))).rejects.toMatchObject({
    code: 'unreachable',
  });
  await time.advance(59_999);
  expect(time.sleeping).toBeGreaterThan(0);
  await time.advance(1);
  await read;
});

test('an answer that never comes ends with its deadline', async () => {
  const { volume, server, time, signal } = await stockFixture();
  server.hooks = { beforeCall: () => new Promise(() => {}) };
  const read = expect(volume.status(signal)).rejects.toMatchObject({ code: 'unreachable' });
  await time.advance(60_000);
  await read;
});

test('a white list is not-permitted', async () => {
  const { volume, server, signal } = await stockFixture();
  server.hooks = {
    beforeCall: () => {
      throw new RpcError('permission-denied', 'not authorized: 192.0.2.1');
    },
  };
  await expect(volume.isNeedleLive(1n, signal)).rejects.toMatchObject({ code: 'not-permitted' });
});

test('at every sync of a random life a leader is read as it is', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const fixture = await stockFixture({ needles: 0 });
    const { server, network, signal, time } = fixture;
    const leader = createSeaweedLeader({
      ...server,
      transport: network,
      timers: time.timers,
      clock: time.clock,
      limits: { minRangeBytes: 512, rangeBytes: 1024 },
    });
    for (const operation of randomLife(createSeededRandom(seed), { syncs: 8 })) {
      await liveOut(server, VOLUME_ID, operation);
      if (operation.kind !== 'sync') continue;
      const session = await leader.openSession(signal);
      const volume = session.volume(VOLUME_ID, '');
      const { datSizeBytes, idxSizeBytes } = await volume.status(signal);
      const { dat, idx } = server.volumes.get(VOLUME_ID)!;
      const ranges = [{ offset: 0, lengthBytes: datSizeBytes }];
      expect(await collect(volume.readRanges(ranges, signal)), `seed ${seed}`).toEqual(dat);
      expect(await collect(volume.readIndex(0, idxSizeBytes, signal)), `seed ${seed}`).toEqual(idx);
      await session.close();
    }
    server.assertAlive();
  }
});

test('the sweep lists what the server holds', async () => {
  const { server, network, time, signal } = await stockFixture();
  const leader = createSeaweedLeader({
    ...server,
    transport: network,
    timers: time.timers,
    clock: time.clock,
  });
  expect(await leader.sweep(signal)).toEqual([
    {
      volumeId: VOLUME_ID,
      collection: '',
      contentBytes: expect.any(Number),
      fileCount: 20,
      deleteCount: 0,
      revision: 0,
      modifiedAtSeconds: 1_700_000_000,
    },
  ]);
  await server.stop();
  await expect(leader.sweep(signal)).rejects.toMatchObject({ code: 'unreachable' });
  await expect(leader.openSession(signal)).rejects.toMatchObject({ code: 'unreachable' });
});
