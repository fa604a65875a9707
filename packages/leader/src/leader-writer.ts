import { formatVolumeName, type NeedleContent } from '@holdfast/format';
import {
  compactVolume,
  createVolume,
  openVolume,
  type StoreEnvironment,
  StoreError,
  type Volume,
} from '@holdfast/store';
import type { FileLimits } from './index-cursor.js';
import { readLineageToken, renewLineageToken } from './lineage-token.js';
import { createMutex } from './mutex.js';
import type { VolumeState } from './volume-state.js';

/** Writes one volume of a leader's directory. What is appended is served when it is durable. */
export interface LeaderWriter {
  /** Puts or overwrites a needle; without data a live empty one. Resolves when it is durable. */
  put(content: NeedleContent): Promise<void>;
  /** Resolves when it is durable. `needle-not-found` where there is nothing to delete. */
  delete(needleId: bigint, cookie?: number): Promise<void>;
  /** Drops what is dead; the volume is of the next revision then. */
  compact(): Promise<void>;
  readonly liveNeedles: number;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface LeaderWriterOptions {
  readonly env: StoreEnvironment;
  readonly directory: string;
  readonly state: VolumeState;
  readonly setDurable: (durable: (() => FileLimits) | undefined) => void;
  readonly onDurable: () => void;
}

/** Opens the volume for writing, made if there is none. Errors as `openVolume`. */
export async function openLeaderWriter(options: LeaderWriterOptions): Promise<LeaderWriter> {
  const { env, directory, state, setDurable, onDurable } = options;
  const name = formatVolumeName(state.name);
  let volume = await openOrCreate(env, directory, name);
  // Bytes that were cut may have been served to somebody: what follows them is another history.
  if (volume.recovery.cutBytes > 0 || (await readLineageToken(env, directory, state.name)) === '') {
    await renewLineageToken(env, directory, state.name);
    await state.close();
  }
  setDurable(() => durableLimits(volume));
  const mutex = createMutex();
  let sharedSync: Promise<void> | undefined;

  /** Joins the sync that has not begun yet, so that writes which come together cost one. */
  function sync(): Promise<void> {
    sharedSync ??= mutex.run(async () => {
      sharedSync = undefined;
      await volume.sync();
      onDurable();
    });
    return sharedSync;
  }

  return {
    async put(content) {
      await mutex.run(() => volume.append(content));
      await sync();
    },
    async delete(needleId, cookie) {
      await mutex.run(() => volume.delete(needleId, cookie));
      await sync();
    },
    compact: () =>
      mutex.run(() =>
        state.exclusive(async () => {
          await volume.sync();
          await volume.close();
          await compactVolume(env, { directory, name });
          volume = await openVolume(env, { directory, name, mode: 'write' });
          onDurable();
        }),
      ),
    get liveNeedles() {
      return volume.stats().liveNeedles;
    },
    close: () =>
      mutex.run(async () => {
        setDurable(undefined);
        await volume.close();
      }),
  };
}

async function openOrCreate(env: StoreEnvironment, directory: string, name: string): Promise<Volume> {
  try {
    return await openVolume(env, { directory, name, mode: 'write' });
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
    return createVolume(env, { directory, name });
  }
}

function durableLimits(volume: Volume): FileLimits {
  const { durableDatSizeBytes, durableIdxSizeBytes } = volume.stats();
  return { datSizeBytes: durableDatSizeBytes, idxSizeBytes: durableIdxSizeBytes };
}
