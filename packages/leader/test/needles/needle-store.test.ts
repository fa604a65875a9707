import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseReplicaPlacement, parseTtl } from '@holdfast/format';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { openNeedleStore, type StoreChange, type StoredVolume } from '../../src/index.js';
import { timers } from '../rig.js';
import { directory, expectSound, newMachine, newVolume, openStore, put, readAll, text } from './machine.js';

test('volumes are allocated, unmounted, mounted and deleted, and listeners are told', async () => {
  const env = newMachine();
  const store = await openStore(env);
  const changes: StoreChange[] = [];
  store.onChange((change) => changes.push(change));
  const replicaPlacement = parseReplicaPlacement('001');
  const volume = await store.allocate({
    volumeId: 3,
    collection: 'pics',
    replicaPlacement,
    ttl: parseTtl('3d'),
  });
  expect(volume.superBlock).toMatchObject({ replicaPlacement, ttl: parseTtl('3d') });
  await expect(store.allocate({ volumeId: 3, collection: '' })).rejects.toMatchObject({ code: 'exists' });
  expect([store.find(3)?.name, store.find(3, 'pics')?.name, store.find(3, '')]).toEqual([
    volume.name,
    volume.name,
    undefined,
  ]);
  await put(volume, 1, text('one'));
  await store.unmount(3);
  expect(store.list()).toEqual([]);
  await expect(put(volume, 2, text('two'))).rejects.toMatchObject({ code: 'closed' });
  const mounted = await store.mount(3);
  expect((await readAll(mounted, 1)).toString()).toBe('one');
  expect(await store.mount(3)).toBe(mounted);
  await expect(store.mount(4)).rejects.toMatchObject({ code: 'not-found' });
  await expect(store.delete(3, { onlyEmpty: true })).rejects.toMatchObject({ code: 'volume-not-empty' });
  await store.delete(3);
  await expect(store.delete(3)).rejects.toMatchObject({ code: 'not-found' });
  expect(env.disk.files().filter((path) => path.includes('pics_3'))).toEqual([]);
  expect(changes.map(({ kind }) => kind)).toEqual(['added', 'removed', 'added', 'removed']);
  await store.allocate({ volumeId: 3, collection: '' });
  await store.delete(3, { onlyEmpty: true });
  await store.close();
  await expect(store.allocate({ volumeId: 5, collection: '' })).rejects.toMatchObject({ code: 'closed' });
});

test('whoever reads a volume goes on when it is unmounted, and when it is deleted', async () => {
  const env = newMachine();
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  const data = createSeededRandom(1).bytes(700_000);
  await put(volume, 1, data);
  const needle = await volume.open(1n);
  const pinned = volume.pin();
  await store.delete(7);
  const parts: Uint8Array[] = [];
  for await (const piece of needle.read()) parts.push(piece);
  expect(Buffer.concat(parts).equals(data)).toBe(true);
  expect(await pinned.dat.readAt(0, 1)).toEqual(Uint8Array.of(3));
  await needle.close();
  await pinned.close();
  await expect(pinned.dat.readAt(0, 1)).rejects.toMatchObject({ code: 'closed' });
});

test('one store a directory; a volume that follows a leader is not written', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  const env = nodeStoreEnvironment();
  const store = await openNeedleStore({ env, timers, directory: path });
  expect(store.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const second = openNeedleStore({ env, timers, directory: path });
  await expect(second).rejects.toMatchObject({ code: 'locked' });
  await store.close();
  const again = await openNeedleStore({ env, timers, directory: path });
  expect(again.uuid).toBe(store.uuid);
  await again.close();

  const machine = newMachine();
  machine.disk.plant(`${directory}/7.dat`, new Uint8Array(8));
  machine.disk.plant(`${directory}/.holdfast/7/current`, text('{}'));
  await expect(openStore(machine)).rejects.toMatchObject({ code: 'read-only', volume: '7' });
});

test('a volume that cannot be opened is told of, and the others are served', async () => {
  const env = newMachine();
  const store = await openStore(env);
  await put(await store.allocate({ volumeId: 1, collection: '' }), 1, text('one'));
  await store.close();
  env.disk.plant(`${directory}/2.dat`, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9));
  env.disk.plant(`${directory}/2.idx`, new Uint8Array(0));
  const unopened: unknown[] = [];
  const again = await openNeedleStore({
    env: { ...env, host: newMachine().host },
    timers: env.time.timers,
    directory,
    onUnopened: (name, error) => unopened.push([name.volumeId, (error as { code: string }).code]),
  });
  expect(unopened).toEqual([[2, 'unsupported-version']]);
  expect(again.list().map(({ name }) => name.volumeId)).toEqual([1]);
});

test('what is written to a volume whose allocation was killed outlives the power', async () => {
  for (let operations = 0, isThrough = false; !isThrough; operations++) {
    const { env, store } = await machineWithVolume();
    const open = () =>
      openNeedleStore({ env: { ...env, host: newMachine().host }, timers: env.time.timers, directory });
    env.disk.crashAfter(operations);
    isThrough = await store.allocate({ volumeId: 8, collection: 'c' }).then(
      () => true,
      () => false,
    );
    env.disk.crash('process');
    const again = await open();
    const volume = again.find(8) ?? (await again.allocate({ volumeId: 8, collection: 'c' }));
    await put(volume, 1, text('acknowledged'));
    env.disk.crash('nothing');
    const last = await open();
    const found = last.find(8);
    expect(found, `killed before operation ${operations}`).toBeDefined();
    expect((await readAll(found!, 1)).toString()).toBe('acknowledged');
    await last.close();
  }
});

test('an allocation or a deletion that a crash cut short takes no id', async () => {
  for (const run of ['allocate', 'delete'] as const) {
    for (let operations = 0, isThrough = false; !isThrough; operations++) {
      const { env, store } = await machineWithVolume();
      env.disk.crashAfter(operations);
      isThrough = await (run === 'allocate'
        ? store.allocate({ volumeId: 8, collection: 'c' })
        : store.delete(7)
      ).then(
        () => true,
        () => false,
      );
      env.disk.crash('everything');
      const again = await openNeedleStore({
        env: { ...env, host: newMachine().host },
        timers: env.time.timers,
        directory,
        onUnopened(_name, error) {
          throw error;
        },
      });
      for (const volumeId of [7, 8])
        if (again.find(volumeId) === undefined) await again.allocate({ volumeId, collection: '' });
      await again.close();
      expect(env.disk.files().filter((path) => path.endsWith('.note'))).toEqual([]);
    }
  }
});

async function machineWithVolume() {
  const env = newMachine();
  const { store, volume } = await newVolume(env);
  await put(volume, 1, text('kept'));
  return { env, store };
}

test('random lives of many writers, with compactions, restarts and crashes, are what a model says', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const env = newMachine(seed);
    const random = createSeededRandom(seed);
    const chance = () => random.nextFloat();
    const model = new Map<number, string>();
    let store = await openStore(env);
    await store.allocate({ volumeId: 7, collection: '' });
    for (let round = 0; round < 6; round++) {
      const volume = store.find(7)!;
      await writeAtOnce(volume, model, chance);
      if (chance() < 0.6) {
        const compacting = volume.compact();
        await writeAtOnce(volume, model, chance);
        await compacting;
        await writeAtOnce(volume, model, chance);
        await Promise.all([volume.commitCompaction(), writeAtOnce(volume, model, chance)]);
      }
      await expectModel(volume, model);
      if (chance() < 0.4) {
        env.disk.crash(chance() < 0.5 ? 'nothing' : 'power');
        store = await openStore(env);
      } else if (chance() < 0.5) {
        await store.close();
        await expectSound(env);
        store = await openStore(env);
      }
      await expectModel(store.find(7)!, model);
    }
    await store.close();
    await expectSound(env);
  }
});

/** Eight writers, each with needles of its own, all durable in the end. */
async function writeAtOnce(
  volume: StoredVolume,
  model: Map<number, string>,
  chance: () => number,
): Promise<void> {
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; i < 4; i++) {
      const id = 1 + writer * 5 + Math.floor(chance() * 5);
      if (model.has(id) && chance() < 0.3) {
        model.delete(id);
        await volume.delete(BigInt(id), { cookie: id });
      } else {
        const content = `${chance()}`.repeat(Math.floor(chance() * 20));
        model.set(id, content);
        await put(volume, id, text(content));
      }
    }
  });
  await Promise.all(writers);
}

async function expectModel(volume: StoredVolume, model: Map<number, string>): Promise<void> {
  expect(volume.status().liveNeedles).toBe(model.size);
  for (const [id, content] of model) expect((await readAll(volume, id)).toString()).toBe(content);
}
