import { formatVolumeName, type VolumeName } from '@holdfast/format';
import {
  type AbsenceLedger,
  isStoreError,
  openGenerationReader,
  removeVolume,
  type StoreEnvironment,
} from '@holdfast/store';
import type { VolumeListing, VolumeSource } from './volume-source.js';

/** A volume that is held and that the cluster no longer lists. */
export interface VanishedVolume {
  readonly volume: VolumeName;
  /** `held`: it would have been pruned, but a generation that is held, or strays, wait for an operator. */
  readonly outcome: 'kept' | 'held' | 'pruned';
}

export interface VanishWatchOptions {
  readonly directory: string;
  readonly env: StoreEnvironment;
  readonly source: VolumeSource;
  readonly assertLocked: () => Promise<void>;
  readonly absences: AbsenceLedger;
  /** How long a volume has to be gone before its copy is removed; `undefined`: copies are kept for ever. */
  readonly pruneAfterMs: number | undefined;
}

/**
 * Of the volumes that are held and selected, those that are not listed, each time its outcome is a new one. A volume
 * counts as gone while the server that its copy is of is listed without it: where the server is away, so are all its
 * volumes, and no copy may go for that. Removes what has been gone for longer than is waited for.
 */
export interface VanishWatch {
  /** `held` are volumes whose homes are closed. */
  judge(listing: VolumeListing, held: Iterable<VolumeName>): Promise<readonly VanishedVolume[]>;
}

export function createVanishWatch(options: VanishWatchOptions): VanishWatch {
  const { directory, env, source, absences, assertLocked, pruneAfterMs } = options;
  /** Of volumes that are not listed: whose copy is held. */
  const servers = new Map<string, HeldServer>();
  const outcomes = new Map<string, VanishedVolume['outcome']>();

  async function isGone(name: string, volume: VolumeName, listing: VolumeListing): Promise<boolean> {
    if (!servers.has(name)) servers.set(name, await heldServer(env, directory, volume));
    const server = servers.get(name);
    if (listing.clusterVolumeCount === 0 || server === undefined) return false;
    // What is left of a removal that was cut short goes on to be gone.
    if (server === NO_COPY) return absences.of(volume).volumeSinceMs !== null;
    return listing.servers.has(server);
  }

  async function outcomeOf(volume: VolumeName): Promise<VanishedVolume['outcome']> {
    const { volumeSinceMs } = absences.of(volume);
    if (volumeSinceMs === null || pruneAfterMs === undefined) return 'kept';
    if (env.clock.nowMs() - volumeSinceMs < pruneAfterMs) return 'kept';
    if ((await removeVolume(env, { directory, volume, assertLocked })) === 'held') return 'held';
    await absences.note(volume, { volume: false, leader: false });
    return 'pruned';
  }

  return {
    async judge(listing, held) {
      const listed = new Set(listing.volumes.map(({ volume }) => formatVolumeName(volume)));
      const changed: VanishedVolume[] = [];
      for (const volume of held) {
        const name = formatVolumeName(volume);
        if (!source.selects(volume)) continue;
        if (listed.has(name)) {
          servers.delete(name);
          outcomes.delete(name);
          if (absences.of(volume).volumeSinceMs !== null) await absences.note(volume, { volume: false });
          continue;
        }
        await absences.note(volume, { volume: await isGone(name, volume, listing) });
        const outcome = await outcomeOf(volume);
        if (outcomes.get(name) !== outcome) changed.push({ volume, outcome });
        outcomes.set(name, outcome);
      }
      return changed;
    },
  };
}

/** No file that could be a copy. */
const NO_COPY = Symbol('no copy');

/** `undefined` where whose copy it is cannot be read. */
type HeldServer = string | typeof NO_COPY | undefined;

async function heldServer(env: StoreEnvironment, directory: string, volume: VolumeName): Promise<HeldServer> {
  try {
    const reader = await openGenerationReader(env, { directory, volume });
    await reader.close();
    return reader.position.leaderCopy.server;
  } catch (error) {
    if (isStoreError(error, 'not-found')) return NO_COPY;
    if (isStoreError(error, 'position-damaged')) return undefined;
    throw error;
  }
}
