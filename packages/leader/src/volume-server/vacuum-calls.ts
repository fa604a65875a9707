import { create, onlyRequest, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { isStoreError } from '@holdfast/store';
import type { StoredVolume } from '../needles/stored-volume.js';
import { createProgress, PROGRESS_BYTES } from './progress.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/**
 * A vacuum in its four steps. A commit without a compaction, or one that fails, leaves the volume as it was, open and
 * served.
 */
export function vacuumCalls({ store }: VolumeServer): VolumeServerHandlers {
  const copying = new Set<StoredVolume>();

  function find(volumeId: number, prefix: string, step: string): StoredVolume {
    const volume = store.find(volumeId);
    if (volume !== undefined) return volume;
    throw new RpcError(
      'not-found',
      `${prefix}volume id ${volumeId} is not found during ${step}: volume not found`,
    );
  }

  return {
    async vacuumVolumeCheck({ volumeId }) {
      const volume = find(volumeId, '', 'check compact');
      return create(pb.VacuumVolumeCheckResponseSchema, { garbageRatio: volume.garbageRatio() });
    },

    async *vacuumVolumeCompact(requests, { signal }) {
      const { volumeId } = await onlyRequest(requests);
      const volume = find(volumeId, `compact volume ${volumeId}: `, 'compact');
      if (copying.has(volume))
        throw new RpcError('failed-precondition', `compact volume ${volumeId}: it is being compacted`);
      copying.add(volume);
      const progress = createProgress(PROGRESS_BYTES);
      const compact = async () => {
        try {
          // One that waits for its commit was left by somebody who has gone.
          await volume.cleanupCompaction();
          await volume.compact({ signal, onProgress: progress.report });
        } finally {
          copying.delete(volume);
        }
      };
      for await (const copiedBytes of progress.until(compact()))
        yield create(pb.VacuumVolumeCompactResponseSchema, { processedBytes: BigInt(copiedBytes) });
    },

    async vacuumVolumeCommit({ volumeId }) {
      const volume = find(volumeId, `commit compact volume ${volumeId}: `, 'commit compact');
      try {
        const { datSizeBytes } = await volume.commitCompaction();
        const { isReadOnly } = volume.status();
        return create(pb.VacuumVolumeCommitResponseSchema, { isReadOnly, volumeSize: BigInt(datSizeBytes) });
      } catch (error) {
        if (!isStoreError(error, 'compaction-state')) throw error;
        const text = `volume ${volumeId} compact swap aborted: missing .cpd/.cpx`;
        throw new RpcError('failed-precondition', text, error);
      }
    },

    async vacuumVolumeCleanup({ volumeId }) {
      await find(volumeId, `cleanup volume ${volumeId}: `, 'cleaning up').cleanupCompaction();
      return create(pb.VacuumVolumeCleanupResponseSchema);
    },
  };
}
