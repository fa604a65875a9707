import { FormatError, formatVolumeName, parseVolumeName, type VolumeName } from '@holdfast/format';
import { LeaderError } from '@holdfast/protocol';
import { type StoreEnvironment, StoreError } from '@holdfast/store';
import type { FileLimits } from './index-cursor.js';
import { createVolumeState, type VolumeState } from './volume-state.js';

/** The volumes of one directory, each opened when it is first asked for. */
export interface VolumeTable {
  /** Fails with `volume-not-found` where the name is none of a volume. */
  get(volumeId: number, collection: string): VolumeState;
  /** The names that have a `.dat` and an `.idx` now. */
  list(): Promise<readonly VolumeName[]>;
  /** What is durable of a volume is what the writer says, from now on; `undefined`: the files as they are. */
  setWriter(name: VolumeName, durable: (() => FileLimits) | undefined): void;
  close(): Promise<void>;
}

export function createVolumeTable(env: StoreEnvironment, directory: string): VolumeTable {
  const volumes = new Map<string, VolumeState>();
  const writers = new Map<string, () => FileLimits>();

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
      const added = createVolumeState({ env, directory, name, writerLimits: () => writers.get(key)?.() });
      volumes.set(key, added);
      return added;
    },
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
    setWriter(name, durable) {
      if (durable === undefined) writers.delete(formatVolumeName(name));
      else writers.set(formatVolumeName(name), durable);
    },
    async close() {
      for (const volume of volumes.values()) await volume.close();
      volumes.clear();
    },
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
