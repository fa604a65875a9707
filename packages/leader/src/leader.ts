import type { Timers, VolumeName } from '@holdfast/format';
import { LeaderError, type LeaderService, type SweepEntry } from '@holdfast/protocol';
import type { StoreEnvironment } from '@holdfast/store';
import { createChangeSignal } from './change-signal.js';
import { type LeaderWriter, openLeaderWriter } from './leader-writer.js';
import { createServedVolume } from './served-volume.js';
import type { Snapshot } from './volume-state.js';
import { createVolumeTable } from './volume-table.js';

const DEFAULT_POLL_INTERVAL_MS = 200;

export interface LeaderOptions {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  /** The directory of volumes. */
  readonly directory: string;
  /** Names this server beyond its address, over restarts. May be empty. */
  readonly serverId: string;
  /** How often a stream that stays open looks at files that others write. Default 200. */
  readonly pollIntervalMs?: number;
}

/** A directory of volumes as a leader of `holdfast.v1`. It only reads; `openWriter` is the one way to change something. */
export interface Leader extends LeaderService {
  /** Opens a volume for writing, made if there is none. At most one writer a volume. Errors as `openVolume`. */
  openWriter(volume: VolumeName): Promise<LeaderWriter>;
  /** Closes every file that no call is reading. Idempotent. */
  close(): Promise<void>;
}

export function createLeader(options: LeaderOptions): Leader {
  const { env, timers, directory, serverId } = options;
  const table = createVolumeTable(env, directory);
  const changes = createChangeSignal(timers, options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS);

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

    openWriter: (volume) =>
      openLeaderWriter({
        env,
        directory,
        state: table.get(volume.volumeId, volume.collection),
        setDurable: (durable) => table.setWriter(volume, durable),
        onDurable: () => changes.notify(volume),
      }),

    close: () => table.close(),
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
