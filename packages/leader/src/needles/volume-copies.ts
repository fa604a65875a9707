import { formatVolumeName, type VolumeName } from '@holdfast/format';
import {
  type GenerationNeedles,
  isStoreError,
  openGenerationNeedles,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import type { ReadableVolume, ReadableVolumes } from '../http/data-api-ports.js';
import { createHolds, type Holds } from './holds.js';
import { findAndOpen } from './open-needle.js';

const NS_PER_SECOND = 1_000_000_000n;

/** The copies that followers keep in a directory, for reading while they follow. */
export interface VolumeCopies extends ReadableVolumes {
  /**
   * Takes in what a follower has committed of a volume: to be called when it says so, and once for each copy that is there
   * at first. Until then a volume is as it was when this was called last; one that is gone is no longer found. Calls that
   * come while one is under way are gathered into one. Errors as `openVolume`, about the content.
   */
  refresh(name: VolumeName): Promise<void>;
  /** Whoever reads goes on. Idempotent. */
  close(): Promise<void>;
}

export interface VolumeCopiesOptions {
  readonly env: StoreEnvironment;
  readonly directory: string;
}

/** One generation of a copy. */
interface OpenCopy extends Holds {
  readonly name: VolumeName;
  readonly needles: GenerationNeedles;
}

/** Takes no lock and changes nothing. Only what is committed is read: it was proved to be the leader's. */
export function createVolumeCopies({ env, directory }: VolumeCopiesOptions): VolumeCopies {
  const copies = new Map<number, OpenCopy>();
  const refreshes = new Map<string, () => Promise<void>>();
  let isClosed = false;

  async function take(name: VolumeName): Promise<void> {
    if (isClosed) return;
    const { volumeId } = name;
    const present = copies.get(volumeId);
    if (present !== undefined && (await present.needles.advance())) return;
    const next = await openCopy(env, directory, name);
    if (next === undefined) copies.delete(volumeId);
    else if (isClosed) await next.retire();
    else copies.set(volumeId, next);
    await present?.retire();
  }

  /** Whichever generation is the present one when it is asked for something. */
  function readable(name: VolumeName): ReadableVolume {
    const present = (): OpenCopy => {
      const copy = copies.get(name.volumeId);
      if (copy !== undefined) return copy;
      const volume = formatVolumeName(name);
      throw new StoreError('closed', `the copy of volume ${volume} is gone, or closed`, { volume });
    };
    return {
      name,
      get version() {
        return present().needles.version;
      },
      get superBlock() {
        return present().needles.superBlock;
      },
      async open(needleId, options = {}) {
        const { needles, hold } = present();
        return await findAndOpen(env, needles, needleId, options, hold());
      },
      status() {
        const { needles } = present();
        const { lastAppendAtNs, ...stats } = needles.stats();
        const modifiedAtSeconds = Number(lastAppendAtNs / NS_PER_SECOND);
        const { revision } = needles.position;
        return {
          ...stats,
          revision,
          lastAppendAtNs,
          modifiedAtSeconds,
          isReadOnly: true,
          isCompacting: false,
        };
      },
    };
  }

  return {
    list: () => [...copies.values()].map(({ name }) => readable(name)),
    find(volumeId) {
      const copy = copies.get(volumeId);
      return copy && readable(copy.name);
    },
    refresh(name) {
      const key = formatVolumeName(name);
      const refresh = refreshes.get(key) ?? gathered(() => take(name));
      refreshes.set(key, refresh);
      return refresh();
    },
    async close() {
      isClosed = true;
      const open = [...copies.values()];
      copies.clear();
      for (const copy of open) await copy.retire();
    },
  };
}

/** `undefined` where there is no copy. */
async function openCopy(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<OpenCopy | undefined> {
  try {
    const needles = await openGenerationNeedles(env, { directory, volume: name });
    return { name, needles, ...createHolds(() => needles.close()) };
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** One at a time; calls that come meanwhile are one more behind it. */
function gathered(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = () => {
    next = undefined;
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
