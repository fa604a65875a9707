import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemTimers } from '@holdfast/format/node';
import { createMemoryNetwork } from '@holdfast/protocol';
import { createStockServer } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { newMachine, openStore, put, readAll, text } from '../needles/machine.js';
import { expectFailure, method, type ServeOptions, serveVolumes } from './rig.js';

async function machine(options: Partial<ServeOptions> = {}, capacityBytes?: number) {
  const network = options.network ?? createMemoryNetwork({ timers: systemTimers });
  const env = newMachine(1, capacityBytes);
  const store = await openStore(env);
  const server = await serveVolumes(store, { env, timers: systemTimers, ...options, network });
  const asSource = `volumes:1.${server.address.split(':')[1]}`;
  return { env, store, server, network, asSource };
}

async function fileOf({ env }: Awaited<ReturnType<typeof machine>>, name: string): Promise<Buffer> {
  const file = await env.disk.open(`/d/${name}`, { mode: 'read' });
  const bytes = await file.readAt(0, await file.sizeBytes());
  await file.close();
  return Buffer.from(bytes);
}

const uploads = ({ env }: Awaited<ReturnType<typeof machine>>) => env.disk.list('/d/.holdfast/uploads');

/** A source in whose volume there is something of everything. */
async function source(network: ReturnType<typeof createMemoryNetwork>) {
  const made = await machine({ network, limits: { messageBytes: 4096 } });
  const volume = await made.store.allocate({ volumeId: 7, collection: 'c', ttl: { count: 3, unit: 3 } });
  for (let id = 1; id <= 50; id++) await put(volume, id, text(`needle ${id}`.repeat(id)));
  await volume.delete(9n);
  await put(volume, 60, new Uint8Array(0));
  return { ...made, volume };
}

test('byte for byte, opened and served', async () => {
  const copier = await machine();
  const from = await source(copier.network);
  const messages = await copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource });
  expect(messages).toMatchObject([{ lastAppendAtNs: from.volume.status().lastAppendAtNs }]);
  for (const file of ['c_7.dat', 'c_7.idx'])
    expect(await fileOf(copier, file)).toEqual(await fileOf(from, file));
  const copy = copier.store.find(7, 'c')!;
  expect(copy.status()).toMatchObject({ liveNeedles: 50, deletedNeedles: 1, isReadOnly: false });
  expect(copy.offsetWidthBytes).toBe(5);
  expect(`${await readAll(copy, 50)}`).toBe('needle 50'.repeat(50));
  await put(copy, 70, text('goes on'));
  expect(await uploads(copier)).toEqual([]);
});

test('marks go along', async () => {
  const copier = await machine();
  const from = await source(copier.network);
  await from.volume.markReadOnly(true, { persist: true, canDelete: true });
  await copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource });
  expect(copier.store.find(7)!.info).toMatchObject({ readOnly: true, readOnlyCanDelete: true });
});

test('a volume that is there already stays as it is', async () => {
  const copier = await machine();
  const from = await source(copier.network);
  const own = await copier.store.allocate({ volumeId: 7, collection: '' });
  await put(own, 1, text('own'));
  await expectFailure(
    copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource }),
    'already-exists',
    'volume 7 already exists: delete it first',
  );
  await copier.store.unmount(7);
  await expectFailure(
    copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource }),
    'already-exists',
    /^exists: /,
  );
  expect(`${await readAll(await copier.store.mount(7), 1)}`).toBe('own');
});

test('a source that is not there, or has no such volume', async () => {
  const copier = await machine();
  const from = await source(copier.network);
  const copy = (volumeId: number, sourceDataNode: string) =>
    copier.server.all(method.volumeCopy, { volumeId, sourceDataNode });
  await expectFailure(copy(8, from.asSource), 'unknown', 'not found volume id 8');
  await expectFailure(copy(7, 'nowhere:1.2'), 'unavailable', /nothing listens/);
  await expectFailure(copy(7, ''), 'invalid-argument', /is no address/);
  expect(copier.store.list()).toEqual([]);
});

test('damage on the source is found before anything is mounted', async () => {
  const copier = await machine();
  const from = await source(copier.network);
  const file = await from.env.disk.open('/d/c_7.dat', { mode: 'write' });
  await file.writeAt(8 + 21, new Uint8Array([0xff]));
  await file.close();
  await expectFailure(
    copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource }),
    'data-loss',
    /^corrupt: volume c_7: record-damaged at 8: /,
  );
  expect(copier.store.list()).toEqual([]);
  expect(await uploads(copier)).toEqual([]);
  expect((await copier.env.disk.list('/d')).filter((name) => name.startsWith('c_7'))).toEqual([]);
});

test('a disk without room for it is said to be full, before anything is copied', async () => {
  const copier = await machine({}, 10_000);
  const from = await source(copier.network);
  await expectFailure(
    copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource }),
    'resource-exhausted',
    /^no-space: the directory: \d+ bytes are needed/,
  );
  expect(await uploads(copier)).toEqual([]);
});

test('a connection that breaks leaves nothing', async () => {
  let frames = 0;
  const network = createMemoryNetwork({
    timers: systemTimers,
    onFrame({ path }) {
      if (path.endsWith('CopyFile') && ++frames === 5) throw new Error('broken');
    },
  });
  const copier = await machine({ network });
  const from = await source(network);
  const copy = () => copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: from.asSource });
  await expectFailure(copy(), 'unavailable', /broken/);
  expect(await uploads(copier)).toEqual([]);
  await copy();
  expect(copier.store.find(7)!.status().liveNeedles).toBe(50);
});

test.each([
  ['before the files are opened', 'readVolumeFileStatus', 1],
  ['while the second one is opened', 'copyFile', 2],
  ['once both are open', 'readVolumeFileStatus', 2],
] as const)('a vacuum of a stock server %s: one generation all the same', async (_when, called, at) => {
  const copier = await machine({ limits: { messageBytes: 4096 } });
  const stock = createStockServer({ network: copier.network, messageBytes: 512 });
  await stock.start();
  const volume = stock.allocate(7);
  for (let id = 1; id <= 40; id++) volume.put(BigInt(id % 30), text(`needle ${id}`.repeat(20)));
  let calls = 0;
  stock.hooks = {
    beforeCall(call) {
      if (call.method !== called || ++calls !== at) return;
      volume.compact();
      volume.commit();
    },
  };
  await copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: 'stock:8080.18080' });
  expect(calls).toBeGreaterThanOrEqual(at);
  expect((await fileOf(copier, '7.dat')).equals(volume.dat)).toBe(true);
  expect((await fileOf(copier, '7.idx')).equals(volume.idx)).toBe(true);
  expect(copier.store.find(7)!.status().revision).toBe(1);
  stock.assertAlive();
});

test('a vacuum in the middle of the bytes: the generation that was opened', async () => {
  const copier = await machine();
  const stock = createStockServer({ network: copier.network, messageBytes: 512 });
  await stock.start();
  const volume = stock.allocate(7);
  for (let id = 1; id <= 40; id++) volume.put(BigInt(id % 30), text(`needle ${id}`.repeat(20)));
  const former = Buffer.from(volume.dat);
  stock.hooks = {
    beforeMessage(call, index) {
      if (call.ext !== '.dat' || index !== 6 || volume.revision > 0) return;
      volume.compact();
      volume.commit();
    },
  };
  await copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: 'stock:8080.18080' });
  expect((await fileOf(copier, '7.dat')).equals(former)).toBe(true);
  expect([copier.store.find(7)!.status().revision, volume.revision]).toEqual([0, 1]);
});

test('a source that is vacuumed for ever is given up', async () => {
  const copier = await machine({ limits: { copyAttempts: 3 } });
  const stock = createStockServer({ network: copier.network });
  await stock.start();
  const volume = stock.allocate(7);
  volume.put(1n, text('one'));
  let calls = 0;
  stock.hooks = {
    beforeCall(call) {
      if (call.method !== 'readVolumeFileStatus' || ++calls % 2 !== 0) return;
      volume.compact();
      volume.commit();
    },
  };
  await expectFailure(
    copier.server.all(method.volumeCopy, { volumeId: 7, sourceDataNode: 'stock:8080.18080' }),
    'aborted',
    'volume 7 is compacted',
  );
  expect(calls).toBe(6);
});

test('a volume with offsets of 4 bytes, made by the real server', async () => {
  const fixture = fileURLToPath(new URL('../../../testkit/fixtures/mixed-o4/', import.meta.url));
  const { volumeId } = JSON.parse(await readFile(`${fixture}manifest.json`, 'utf8')) as { volumeId: number };
  const [dat, idx] = await Promise.all(['dat', 'idx'].map((ext) => readFile(`${fixture}${volumeId}.${ext}`)));
  const copier = await machine();
  const stock = createStockServer({ network: copier.network, release: '4.44' });
  await stock.start();
  stock.adopt(volumeId, dat!, idx!);
  await copier.server.all(method.volumeCopy, { volumeId, sourceDataNode: 'stock:8080.18080' });
  expect(copier.store.find(volumeId)!.offsetWidthBytes).toBe(4);
  expect((await fileOf(copier, `${volumeId}.idx`)).equals(idx!)).toBe(true);
});
