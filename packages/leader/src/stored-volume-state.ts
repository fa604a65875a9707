import { formatReplicaPlacement, formatVolumeName, type VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { LeaderError } from '@holdfast/protocol';
import { createIndexCursor, type IndexCursor } from './index-cursor.js';
import { createMutex } from './mutex.js';
import type { NeedleStore } from './needles/needle-store.js';
import { createStampSearch } from './stamp-search.js';
import type { VolumeState } from './volume-state.js';

/** A volume of a store that is written: what of it is durable, now and after every change. */
export function createStoredVolumeState(store: NeedleStore, name: VolumeName): VolumeState {
  const mutex = createMutex();
  let present: { readonly dat: RandomAccess; readonly cursor: IndexCursor } | undefined;

  /** One cursor for each generation: counting entries begins anew with it. */
  function cursorOf(files: Parameters<typeof createIndexCursor>[0]): IndexCursor {
    if (present?.dat !== files.dat) present = { dat: files.dat, cursor: createIndexCursor(files) };
    return present.cursor;
  }

  return {
    name,
    snapshot: (signal) =>
      mutex.run(async () => {
        signal.throwIfAborted();
        const volume = store.find(name.volumeId, name.collection);
        if (volume === undefined) {
          const message = `there is no volume ${formatVolumeName(name)} here`;
          throw new LeaderError('volume-not-found', message, { volumeId: name.volumeId });
        }
        const pinned = volume.pin();
        try {
          const { dat, idx, superBlock, version, offsetWidthBytes, lineageId, close } = pinned;
          const lengths = await cursorOf(pinned).advance(pinned, signal);
          const { isReadOnly, modifiedAtSeconds } = volume.status();
          return {
            status: {
              revision: superBlock.compactionRevision,
              datSizeBytes: lengths.datSizeBytes,
              idxSizeBytes: lengths.idxSizeBytes,
              version,
              offsetWidthBytes,
              collection: name.collection,
              readOnly: isReadOnly,
              replication: volume.info.replication || formatReplicaPlacement(superBlock.replicaPlacement),
              lineageId,
            },
            lengths,
            modifiedAtSeconds,
            dat,
            idx,
            close,
          };
        } catch (error) {
          await pinned.close();
          throw error;
        }
      }),
    search: createStampSearch(),
    close: async () => {},
  };
}
