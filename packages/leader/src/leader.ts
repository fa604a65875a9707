import type { Timers, VolumeName } from '@holdfast/format';
import { LeaderError, type LeaderService, type SweepEntry } from '@holdfast/protocol';
import type { StoreEnvironment } from '@holdfast/store';
import { createChangeSignal } from './change-signal.js';
import type { NeedleStore } from './needles/needle-store.js';
import { createServedVolume } from './served-volume.js';
import type { Snapshot } from './volume-state.js';
import { createVolumeTable, storedVolumes, volumesOfDirectory } from './volume-table.js';

const DEFAULT_POLL_INTERVAL_MS = 200;

export type LeaderOptions = LeaderSettings & LeaderVolumes;

/** What is served: a directory, its files as they are; or a store that is written, what is durable in it. */
export type LeaderVolumes = { readonly directory: string } | { readonly store: NeedleStore };

export interface LeaderSettings {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  /** Names this server beyond its address, over restarts. May be empty. */
  readonly serverId: string;
  /** How often a stream that stays open looks at files that others write. Default 200. */
  readonly pollIntervalMs?: number;
}

/** Volumes as a leader of `holdfast.v1`. It only reads. */
export interface Leader extends LeaderService {
  /** Closes every file of its own that no call is reading; a store stays open. Idempotent. */
  close(): Promise<void>;
}

export function createLeader(options: LeaderOptions): Leader {
  const { env, timers, serverId } = options;
  const table = createVolumeTable(
    'store' in options ? storedVolumes(options.store) : volumesOfDirectory(env, options.directory),
  );
  const changes = createChangeSignal(timers, options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS);

  const unlisten = 'store' in options ? options.store.onDurable(changes.notify) : undefined;

  return {
    serverId,

    async volume(volumeId, collection) {
      return createServedVolume(table.get(volumeId, collection), changes);
    },

    async sweep(signal) {
      const entries: SweepEntry[] = [];
      for (const name of await table.list()) {
        try {
          const snapshot = await table.get(name.volumeId, name.collection).snapshot(signal);
          entries.push(sweepEntry(name, snapshot));
          await snapshot.close();
        } catch (error) {
          // Gone or unreadable since the listing: a sweep tells what it can, the status says why.
          if (!(error instanceof LeaderError)) throw error;
        }
      }
      return entries;
    },

    async close() {
      unlisten?.();
      await table.close();
    },
  };
}

function sweepEntry(
  { volumeId, collection }: VolumeName,
  { status, lengths, modifiedAtSeconds }: Snapshot,
): SweepEntry {
  const { datSizeBytes: contentBytes, fileCount, deleteCount } = lengths;
  const { revision } = status;
  return { volumeId, collection, contentBytes, fileCount, deleteCount, revision, modifiedAtSeconds };
}
