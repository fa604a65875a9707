import { expect, test } from 'vitest';
import { newMachine, openStore, put, readAll, text } from '../needles/machine.js';
import { contentOf, expectFailure, method, serveVolumes } from './rig.js';

async function machine() {
  const env = newMachine();
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  for (let id = 1; id <= 20; id++) await put(volume, id, text(`needle ${id}`));
  for (let id = 1; id <= 10; id++) await volume.delete(BigInt(id));
  const server = await serveVolumes(store, { env, timers: env.time.timers });
  return { env, store, volume, server };
}

test('check, compact, commit, clean up', async () => {
  const { volume, server } = await machine();
  const { garbageRatio } = await server.unary(method.vacuumVolumeCheck, { volumeId: 7 });
  expect(garbageRatio).toBeGreaterThan(0.4);
  expect(await server.all(method.vacuumVolumeCompact, { volumeId: 7 })).toEqual([]);
  await put(volume, 30, text('meanwhile'));
  const committed = await server.unary(method.vacuumVolumeCommit, { volumeId: 7 });
  expect(committed).toMatchObject({ isReadOnly: false, volumeSize: BigInt(volume.status().datSizeBytes) });
  await server.unary(method.vacuumVolumeCleanup, { volumeId: 7 });
  expect(await server.unary(method.volumeSyncStatus, { volumeId: 7 })).toMatchObject({ compactRevision: 1 });
  expect(`${await readAll(volume, 30)} ${await readAll(volume, 20)}`).toBe('meanwhile needle 20');
  expect(await server.unary(method.vacuumVolumeCheck, { volumeId: 7 })).toMatchObject({ garbageRatio: 0 });
});

test('a commit without a compaction leaves the volume open, and its status is told', async () => {
  const { volume, server } = await machine();
  const text = 'volume 7 compact swap aborted: missing .cpd/.cpx';
  await expectFailure(server.unary(method.vacuumVolumeCommit, { volumeId: 7 }), 'failed-precondition', text);
  expect(await server.unary(method.volumeSyncStatus, { volumeId: 7 })).toMatchObject({ compactRevision: 0 });
  expect(`${await readAll(volume, 20)}`).toBe('needle 20');
});

test('a compaction that nobody committed is made anew', async () => {
  const { server } = await machine();
  await server.all(method.vacuumVolumeCompact, { volumeId: 7 });
  await server.all(method.vacuumVolumeCompact, { volumeId: 7 });
  await server.unary(method.vacuumVolumeCommit, { volumeId: 7 });
  await server.all(method.vacuumVolumeCompact, { volumeId: 7 });
  await server.unary(method.vacuumVolumeCleanup, { volumeId: 7 });
  await expectFailure(
    server.unary(method.vacuumVolumeCommit, { volumeId: 7 }),
    'failed-precondition',
    /aborted/,
  );
  expect(await server.unary(method.volumeSyncStatus, { volumeId: 7 })).toMatchObject({ compactRevision: 1 });
});

test('a full disk fails the compaction; the volume goes on', async () => {
  const env = newMachine(1, 40_000);
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  await put(volume, 1, new Uint8Array(25_000).fill(7));
  await using server = await serveVolumes(store, { env, timers: env.time.timers });
  await expectFailure(
    server.all(method.vacuumVolumeCompact, { volumeId: 7 }),
    'resource-exhausted',
    /^no-space: /,
  );
  await expectFailure(
    server.unary(method.vacuumVolumeCommit, { volumeId: 7 }),
    'failed-precondition',
    /aborted/,
  );
  await put(volume, 2, text('goes on'));
  expect(`${await readAll(volume, 2)}`).toBe('goes on');
});

test('a copy, by either form, is of the generation that it began with', async () => {
  const { env, store, server } = await machine();
  const former = contentOf(
    await server.all(method.copyFile, { volumeId: 7, ext: '.dat', stopOffset: 1n << 62n }),
  );
  const limits = { messageBytes: 64 };
  await using small = await serveVolumes(store, { env, timers: env.time.timers, limits });
  const copies = [
    small.stream(method.copyFile, { volumeId: 7, ext: '.dat', stopOffset: 1n << 62n }),
    small.stream(method.copyFile, { volumeId: 7, ext: '.dat', stopOffset: 1n << 62n, isEcVolume: true }),
    small.stream(method.volumeIncrementalCopy, { volumeId: 7, sinceNs: 0n }),
  ].map((messages) => messages[Symbol.asyncIterator]());
  const parts = await Promise.all(copies.map(async (copy) => [(await copy.next()).value!.fileContent]));
  await server.all(method.vacuumVolumeCompact, { volumeId: 7 });
  await server.unary(method.vacuumVolumeCommit, { volumeId: 7 });
  for (const [i, copy] of copies.entries()) {
    for (let next = await copy.next(); !next.done; next = await copy.next())
      parts[i]!.push(next.value.fileContent);
  }
  const [plain, byName, since] = parts.map((contents) => Buffer.concat(contents));
  expect(plain).toEqual(former);
  expect(byName).toEqual(former);
  expect(since).toEqual(former.subarray(8));
});
