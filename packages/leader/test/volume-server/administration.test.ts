import type { VolumeName } from '@holdfast/format';
import { RpcError } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { newMachine, openStore, put, text } from '../needles/machine.js';
import { expectFailure, method, type ServeOptions, serveVolumes } from './rig.js';

async function machine(options: Partial<ServeOptions> = {}) {
  const env = newMachine();
  const store = await openStore(env);
  const server = await serveVolumes(store, { env, timers: env.time.timers, ...options });
  return { env, store, server };
}

test('a volume is allocated as asked, written, unmounted, mounted and deleted', async () => {
  const { store, server } = await machine();
  await server.unary(method.allocateVolume, {
    volumeId: 7,
    collection: 'pictures',
    replication: '010',
    ttl: '90m',
    version: 3,
  });
  expect(await server.unary(method.volumeSyncStatus, { volumeId: 7 })).toMatchObject({
    collection: 'pictures',
    replication: '010',
    ttl: '90m',
    tailOffset: 8n,
    idxFileSize: 0n,
    compactRevision: 0,
    version: 3,
  });
  await put(store.find(7)!, 1, text('one'));
  await expectFailure(
    server.unary(method.volumeDelete, { volumeId: 7, onlyEmpty: true }),
    'failed-precondition',
    'DeleteVolume 7: volume not empty',
  );
  await server.unary(method.volumeUnmount, { volumeId: 7 });
  await expectFailure(server.unary(method.volumeStatus, { volumeId: 7 }), 'unknown', 'not found volume id 7');
  await expectFailure(server.unary(method.volumeDelete, { volumeId: 7 }), 'not-found', /not found on disk/);
  await server.unary(method.volumeMount, { volumeId: 7 });
  await server.unary(method.volumeMount, { volumeId: 7 });
  expect(await server.unary(method.volumeStatus, { volumeId: 7 })).toMatchObject({ fileCount: 1n });
  await server.unary(method.volumeDelete, { volumeId: 7 });
  await expectFailure(
    server.unary(method.volumeMount, { volumeId: 7 }),
    'unknown',
    'volume 7 not found on disk',
  );
});

test.each([
  [{ version: 0 }, 'volume super block version 0 is not supported'],
  [{ version: 4 }, 'volume super block version 4 is not supported'],
  [{ replication: 'abc' }, 'unexpected replication type: abc'],
  [{ replication: '999' }, 'unexpected replication type: 999'],
  [{ ttl: 'z' }, 'strconv.Atoi: parsing "z": invalid syntax'],
  [{ collection: '../x' }, 'invalid collection "../x"'],
  [{ volumeId: 1 }, 'Volume Id 1 already exists!'],
  [{ diskType: 'ssd' }, 'No more free space left'],
])('%o is not allocated', async (request, message) => {
  const { store, server } = await machine();
  await store.allocate({ volumeId: 1, collection: 'other' });
  await expectFailure(
    server.unary(method.allocateVolume, { volumeId: 2, version: 3, ...request }),
    'unknown',
    message,
  );
  expect(store.list()).toHaveLength(1);
});

test('no more volumes than there is room for', async () => {
  const { server } = await machine({ maxVolumes: 1 });
  await server.unary(method.allocateVolume, { volumeId: 1, version: 3, diskType: 'hdd' });
  await expectFailure(
    server.unary(method.allocateVolume, { volumeId: 2, version: 3 }),
    'unknown',
    'No more free space left',
  );
});

test('a collection is deleted, others stay', async () => {
  const { store, server } = await machine();
  for (const [volumeId, collection] of [
    [1, 'a'],
    [2, 'a'],
    [3, 'b'],
  ] as const)
    await store.allocate({ volumeId, collection });
  await server.unary(method.deleteCollection, { collection: 'a' });
  expect(store.list().map(({ name }) => name.volumeId)).toEqual([3]);
});

test('marks are made here and with the master, before and after', async () => {
  const told: string[] = [];
  const { store, server } = await machine({
    master: {
      async markReadOnly({ volumeId }: VolumeName, isReadOnly) {
        told.push(`${volumeId} ${isReadOnly} while ${store.find(volumeId)?.status().isReadOnly}`);
      },
      ping: async () => undefined,
    },
  });
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  await server.unary(method.volumeMarkReadonly, { volumeId: 7, persist: true, canDelete: true });
  expect(told).toEqual(['7 true while false', '7 true while true']);
  expect(volume.info).toMatchObject({ readOnly: true, readOnlyCanDelete: true });
  expect(await server.unary(method.readVolumeFileStatus, { volumeId: 7 })).toMatchObject({
    volumeInfo: { readOnly: true, readOnlyCanDelete: true },
  });
  await server.unary(method.volumeMarkWritable, { volumeId: 7 });
  expect(await server.unary(method.volumeStatus, { volumeId: 7 })).toMatchObject({ isReadOnly: false });
  await put(volume, 1, text('one'));
});

test('a volume is not marked where the master cannot be told', async () => {
  const { store, server } = await machine({
    master: {
      async markReadOnly() {
        throw new RpcError('unavailable', 'no master');
      },
      ping: async () => undefined,
    },
  });
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  await expectFailure(server.unary(method.volumeMarkReadonly, { volumeId: 7 }), 'unavailable', 'no master');
  expect(volume.status().isReadOnly).toBe(false);
});

test('maintenance is counted, kept over restarts, and refuses what changes volumes', async () => {
  const { env, store, server } = await machine();
  await store.allocate({ volumeId: 7, collection: '' });
  expect(await server.unary(method.getState)).toMatchObject({ state: { maintenance: false, version: 0 } });
  expect(await server.unary(method.setState)).toMatchObject({ state: { maintenance: false, version: 0 } });
  expect(await server.unary(method.setState, { state: { maintenance: true, version: 0 } })).toMatchObject({
    state: { maintenance: true, version: 1 },
  });
  await expectFailure(
    server.unary(method.setState, { state: { maintenance: false, version: 0 } }),
    'unknown',
    'version mismatch for VolumeServerState (got 1, want 0)',
  );
  await using restarted = await serveVolumes(store, { env, timers: env.time.timers });
  const refused = 'volume server volumes:8080 is in maintenance mode';
  await expectFailure(
    restarted.unary(method.allocateVolume, { volumeId: 8, version: 3 }),
    'unknown',
    refused,
  );
  await expectFailure(restarted.unary(method.batchDelete, { fileIds: [] }), 'unknown', refused);
  await expectFailure(restarted.unary(method.volumeMarkWritable, { volumeId: 7 }), 'unknown', refused);
  await expectFailure(restarted.all(method.vacuumVolumeCompact, { volumeId: 7 }), 'unknown', refused);
  await restarted.unary(method.volumeMarkReadonly, { volumeId: 7 });
  await restarted.unary(method.volumeStatus, { volumeId: 7 });
});

test('a ping is answered, and passed on to known masters alone', async () => {
  const { server } = await machine({
    master: {
      markReadOnly: async () => {},
      ping: async (address) => (address === 'master:9333' ? 5n : undefined),
    },
  });
  const own = await server.unary(method.ping);
  expect(own.stopTimeNs).toBeGreaterThanOrEqual(own.startTimeNs);
  expect(own.remoteTimeNs).toBe(0n);
  const asked = await server.unary(method.ping, { target: 'master:9333', targetType: 'master' });
  expect(asked.remoteTimeNs).toBe(5n);
  for (const [target, targetType] of [
    ['elsewhere:9333', 'master'],
    ['master:9333', 'volumeServer'],
    ['x', 'zzz'],
    ['x', ''],
  ] as const)
    await expectFailure(
      server.unary(method.ping, { target, targetType }),
      'invalid-argument',
      `unknown ping target ${target} of type ${targetType}`,
    );
});

test('the server says what it is', async () => {
  const { store, server } = await machine({ dataCenter: 'dc1', rack: 'r1', version: '1.2.3' });
  await store.allocate({ volumeId: 7, collection: '' });
  const status = await server.unary(method.volumeServerStatus);
  expect(status).toMatchObject({ version: '8000GB 1.2.3', dataCenter: 'dc1', rack: 'r1' });
  expect(status.diskStatuses).toHaveLength(1);
  expect(status.diskStatuses[0]!.all).toBe(status.diskStatuses[0]!.free + status.diskStatuses[0]!.used);
});
