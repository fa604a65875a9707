import { formatVolumeName, type OffsetWidthBytes, type Timers, type VolumeName } from '@holdfast/format';
import {
  createVolume,
  deleteVolume,
  removeIncompleteVolumes,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import { removeLineageToken } from '../lineage-token.js';
import { createMutex } from '../mutex.js';
import { beginIncomingVolume } from './incoming-volume.js';
import type { NeedleStore, StoreChange } from './needle-store.js';
import { type OpenedStoredVolume, openStoredVolume } from './open-stored-volume.js';
import { serveDirectory } from './served-directory.js';
import { listVolumeNames } from './volume-names.js';

export interface OpenNeedleStoreOptions {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly directory: string;
  /** Of volumes that are allocated. Default 5, what the newest servers' large-disk builds read. */
  readonly offsetWidthBytes?: OffsetWidthBytes;
  /** A volume of the directory that cannot be opened; its files stay as they are. Default: passed over. */
  readonly onUnopened?: (name: VolumeName, error: unknown) => void;
}

/**
 * Takes a directory for reading and writing, and opens its volumes. `locked` where somebody works in it, `read-only`
 * where it holds copies that follow a leader.
 */
export async function openNeedleStore(options: OpenNeedleStoreOptions): Promise<NeedleStore> {
  const { env, timers, directory, offsetWidthBytes = 5, onUnopened } = options;
  const { lock, uuid } = await serveDirectory(env, directory);
  const volumes = new Map<number, OpenedStoredVolume>();
  const changeListeners = new Set<(change: StoreChange) => void>();
  const durableListeners = new Set<(name: VolumeName) => void>();
  const receiving = new Set<number>();
  const mutex = createMutex();
  let closing: Promise<void> | undefined;

  const tell = (change: StoreChange) => {
    for (const listener of changeListeners) listener(change);
  };

  async function openNamed(name: VolumeName): Promise<OpenedStoredVolume> {
    const volume = await openStoredVolume({
      env,
      timers,
      directory,
      name,
      assertLocked: () => lock.assertHeld(),
      onChange: () => tell({ kind: 'changed', name }),
      onDurable() {
        for (const listener of durableListeners) listener(name);
      },
    });
    volumes.set(name.volumeId, volume);
    tell({ kind: 'added', name });
    return volume;
  }

  async function nameOf(volumeId: number): Promise<VolumeName | undefined> {
    return (await listVolumeNames(env, directory)).find((name) => name.volumeId === volumeId);
  }

  async function closeNamed(volumeId: number): Promise<void> {
    const volume = volumes.get(volumeId);
    if (volume === undefined) return;
    volumes.delete(volumeId);
    try {
      await volume.close();
    } finally {
      tell({ kind: 'removed', name: volume.name });
    }
  }

  function missing(volumeId: number): StoreError {
    return new StoreError('not-found', `there is no volume ${volumeId} in ${directory}`, {
      path: directory,
      volume: `${volumeId}`,
    });
  }

  /** One after the other: the names in the directory are looked at and changed. */
  const changing = <T>(action: () => Promise<T>) =>
    mutex.run(() => {
      if (closing !== undefined)
        throw new StoreError('closed', `${directory} is closed`, { path: directory });
      return action();
    });

  async function closeAll(): Promise<void> {
    const closed = await Promise.allSettled([...volumes.keys()].map(closeNamed));
    await lock.release();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  const close = () => {
    closing ??= mutex.run(closeAll);
    return closing;
  };

  await removeIncompleteVolumes(env, directory);
  for (const name of await listVolumeNames(env, directory)) {
    try {
      if (volumes.has(name.volumeId)) throw duplicate(name, directory);
      await openNamed(name);
    } catch (error) {
      onUnopened?.(name, error);
    }
  }

  return {
    directory,
    uuid,
    list: () => [...volumes.values()],
    find(volumeId, collection) {
      const volume = volumes.get(volumeId);
      return collection === undefined || volume?.name.collection === collection ? volume : undefined;
    },
    allocate: ({ volumeId, collection, ...more }) =>
      changing(async () => {
        const name = { volumeId, collection };
        if ((await nameOf(volumeId)) !== undefined) throw duplicate(name, directory);
        await lock.assertHeld();
        const baseName = formatVolumeName(name);
        try {
          const created = await createVolume(env, { directory, name: baseName, offsetWidthBytes, ...more });
          await created.close();
        } catch (error) {
          await deleteVolume(env, { directory, name: baseName }).catch(() => {});
          throw error;
        }
        return openNamed(name);
      }),
    async receive(name, write) {
      const assertNew = async () => {
        if (receiving.has(name.volumeId) || (await nameOf(name.volumeId)) !== undefined)
          throw duplicate(name, directory);
      };
      await changing(assertNew);
      receiving.add(name.volumeId);
      try {
        await using incoming = await beginIncomingVolume(env, directory, name);
        await incoming.finish(await write(incoming));
        return await changing(async () => {
          receiving.delete(name.volumeId);
          await assertNew();
          await lock.assertHeld();
          await incoming.takeName();
          return openNamed(name);
        });
      } finally {
        receiving.delete(name.volumeId);
      }
    },
    mount: (volumeId) =>
      changing(async () => {
        const open = volumes.get(volumeId);
        if (open !== undefined && !open.hasFailed) return open;
        await closeNamed(volumeId);
        const name = await nameOf(volumeId);
        if (name === undefined) throw missing(volumeId);
        return openNamed(name);
      }),
    unmount: (volumeId) => changing(() => closeNamed(volumeId)),
    delete: (volumeId, { onlyEmpty = false } = {}) =>
      changing(async () => {
        const name = volumes.get(volumeId)?.name ?? (await nameOf(volumeId));
        if (name === undefined) throw missing(volumeId);
        if (onlyEmpty) await assertEmpty(volumes.get(volumeId) ?? (await openNamed(name)));
        await closeNamed(volumeId);
        await removeLineageToken(env, directory, name);
        await deleteVolume(env, { directory, name: formatVolumeName(name) });
      }),
    onChange: (listener) => listen(changeListeners, listener),
    onDurable: (listener) => listen(durableListeners, listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function duplicate(name: VolumeName, directory: string): StoreError {
  const volume = formatVolumeName(name);
  return new StoreError('exists', `there is a volume ${name.volumeId} in ${directory} already`, {
    path: directory,
    volume,
  });
}

async function assertEmpty(volume: OpenedStoredVolume): Promise<void> {
  const { liveNeedles } = volume.status();
  if (liveNeedles === 0) return;
  const name = formatVolumeName(volume.name);
  throw new StoreError('volume-not-empty', `volume ${name} has ${liveNeedles} needles`, { volume: name });
}
