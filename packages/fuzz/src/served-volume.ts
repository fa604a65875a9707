import type { Timers } from '@holdfast/format';
import { nativeCrc32c } from '@holdfast/format/node';
import {
  createLeader,
  createVolumeServerService,
  type NeedleStore,
  openNeedleStore,
  openServerState,
} from '@holdfast/leader';
import { createFollowService, createMemoryNetwork, type RpcService } from '@holdfast/protocol';
import { verifyFiles } from '@holdfast/store';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expectThat } from './fuzz-target.js';

export const SERVED_DIRECTORY = '/served';
export const SERVED_VOLUME_ID = 7;
export const KEPT_NEEDLE = { needleId: 1n, cookie: 1 };
const KEPT_DATA = new Uint8Array(300).fill(7);

/** A leader's directory with volume 7: needle 1 that nobody is asked to change, an empty one, a deleted one, a long one. */
export async function createServedFiles(timers: Timers): Promise<ReadonlyMap<string, Uint8Array>> {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${SERVED_DIRECTORY}/.keep`, new Uint8Array(0));
  const store = await openNeedleStore({ env, timers, directory: SERVED_DIRECTORY });
  const volume = await store.allocate({ volumeId: SERVED_VOLUME_ID, collection: '' });
  await volume.write({ content: { ...KEPT_NEEDLE, name: 'kept.txt', mime: 'text/plain' }, data: KEPT_DATA });
  await volume.write({ content: { needleId: 2n, cookie: 2 }, data: new Uint8Array(0) });
  await volume.write({ content: { needleId: 3n, cookie: 3 }, data: new Uint8Array(50).fill(3) });
  await volume.delete(3n);
  await volume.write({ content: { needleId: 4n, cookie: 4 }, data: new Uint8Array(5000).fill(4) });
  await store.close();
  return new Map(env.disk.files().map((path) => [path, env.disk.peek(path)]));
}

export async function openServedStore(
  files: ReadonlyMap<string, Uint8Array>,
  timers: Timers,
): Promise<{ readonly env: SimulatedEnvironment; readonly store: NeedleStore }> {
  const env = createSimulatedEnvironment({ seed: 2 });
  for (const [path, bytes] of files) env.disk.plant(path, bytes);
  return { env, store: await openNeedleStore({ env, timers, directory: SERVED_DIRECTORY }) };
}

/** Both services of a leader over the store. */
export async function servicesOf(
  env: SimulatedEnvironment,
  store: NeedleStore,
  timers: Timers,
): Promise<readonly RpcService[]> {
  const leader = createLeader({ env, timers, store, serverId: 'here' });
  return [
    createFollowService(leader, { crc32c: nativeCrc32c, timers }),
    createVolumeServerService({
      env,
      timers,
      store,
      state: await openServerState(env, SERVED_DIRECTORY),
      transport: createMemoryNetwork({ timers }),
      address: 'here:8080',
    }),
  ];
}

/** Whatever was asked for: the volume serves needle 1, and when it is closed its files are sound. */
export async function expectServing(
  env: SimulatedEnvironment,
  store: NeedleStore,
  mayBeGone: boolean,
): Promise<void> {
  const volume = store.find(SERVED_VOLUME_ID);
  expectThat(mayBeGone || volume !== undefined, 'the volume is gone');
  if (volume !== undefined && !mayBeGone) {
    const needle = await volume.open(KEPT_NEEDLE.needleId);
    const { data } = needle;
    await needle.close();
    expectThat(data !== undefined && Buffer.compare(data, KEPT_DATA) === 0, 'needle 1 is another');
  }
  await store.close();
  if (!env.disk.files().includes(`${SERVED_DIRECTORY}/${SERVED_VOLUME_ID}.dat`)) return;
  for await (const { severity, message } of verifyFiles(env, {
    directory: SERVED_DIRECTORY,
    name: `${SERVED_VOLUME_ID}`,
  }))
    expectThat(severity === 'note', `the files are damaged: ${message}`);
}
