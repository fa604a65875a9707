import { FormatError, formatVolumeName, parseVolumeName, type VolumeName } from '@holdfast/format';
import { LeaderError } from '@holdfast/protocol';
import { type StoreEnvironment, StoreError } from '@holdfast/store';
import type { NeedleStore } from './needles/needle-store.js';
import { createStoredVolumeState } from './stored-volume-state.js';
import { createVolumeState, type VolumeState } from './volume-state.js';

/** The volumes that are served, each looked at when it is first asked for. */
export interface VolumeTable {
  /** Fails with `volume-not-found` where the name is none of a volume. */
  get(volumeId: number, collection: string): VolumeState;
  /** The names that there are now. */
  list(): Promise<readonly VolumeName[]>;
  close(): Promise<void>;
}

/** Where volumes come from: their names now, and each of them. */
export interface VolumeSource {
  list(): Promise<readonly VolumeName[]>;
  state(name: VolumeName): VolumeState;
}

export function createVolumeTable(source: VolumeSource): VolumeTable {
  const volumes = new Map<string, VolumeState>();

  function baseName(name: VolumeName): string {
    try {
      return formatVolumeName(name);
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      throw new LeaderError('volume-not-found', cause.message, { volumeId: name.volumeId, cause });
    }
  }

  return {
    get(volumeId, collection) {
      const name = { volumeId, collection };
      const key = baseName(name);
      const known = volumes.get(key);
      if (known !== undefined) return known;
      const added = source.state(name);
      volumes.set(key, added);
      return added;
    },
    list: source.list,
    async close() {
      for (const volume of volumes.values()) await volume.close();
      volumes.clear();
    },
  };
}

/** The volumes of a store that is written. */
export function storedVolumes(store: NeedleStore): VolumeSource {
  return {
    list: async () => store.list().map(({ name }) => name),
    state: (name) => createStoredVolumeState(store, name),
  };
}

/** The volumes of a directory, as their files are: those that have a `.dat` and an `.idx`. */
export function volumesOfDirectory(env: StoreEnvironment, directory: string): VolumeSource {
  return {
    async list() {
      const files = new Set(await listDirectory(env, directory));
      const names: VolumeName[] = [];
      for (const file of files) {
        if (!file.endsWith('.dat') || !files.has(`${file.slice(0, -4)}.idx`)) continue;
        const name = nameOf(file.slice(0, -4));
        if (name !== undefined) names.push(name);
      }
      return names;
    },
    state: (name) => createVolumeState({ env, directory, name }),
  };
}

async function listDirectory(env: StoreEnvironment, directory: string): Promise<readonly string[]> {
  try {
    return await env.disk.list(directory);
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    throw new LeaderError('read-failed', cause.message, { cause });
  }
}

function nameOf(baseName: string): VolumeName | undefined {
  try {
    return parseVolumeName(baseName);
  } catch {
    return undefined;
  }
}
