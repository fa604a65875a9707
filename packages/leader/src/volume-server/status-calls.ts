import { formatReplicaPlacement, formatTtl } from '@holdfast/format';
import { create, volumeServerPb as pb } from '@holdfast/protocol';
import type { StoredVolume } from '../needles/stored-volume.js';
import { refusal, requireVolume } from './call-errors.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/** What offsets of each width can reach: what the version of a server begins with. */
const SIZE_LIMITS = { 4: '30GB', 5: '8000GB' } as const;

/** What is known of volumes and of the server: sizes and revision of one instant, only of what is durable. */
export function statusCalls(server: VolumeServer): VolumeServerHandlers {
  const { store, state, env } = server;
  return {
    async volumeSyncStatus({ volumeId }) {
      const volume = requireVolume(store, volumeId);
      const { datSizeBytes, idxSizeBytes, revision } = volume.status();
      return create(pb.VolumeSyncStatusResponseSchema, {
        volumeId,
        collection: volume.name.collection,
        replication: replicationOf(volume),
        ttl: formatTtl(volume.superBlock.ttl),
        tailOffset: BigInt(datSizeBytes),
        compactRevision: revision,
        idxFileSize: BigInt(idxSizeBytes),
        version: volume.version,
      });
    },

    async volumeStatus({ volumeId }) {
      const status = requireVolume(store, volumeId).status();
      return create(pb.VolumeStatusResponseSchema, {
        isReadOnly: status.isReadOnly,
        volumeSize: BigInt(status.datSizeBytes),
        fileCount: BigInt(status.fileCount),
        fileDeletedCount: BigInt(status.deleteCount),
      });
    },

    async readVolumeFileStatus({ volumeId }) {
      const volume = requireVolume(store, volumeId);
      const status = volume.status();
      const { info, version } = volume;
      return create(pb.ReadVolumeFileStatusResponseSchema, {
        volumeId,
        idxFileTimestampSeconds: BigInt(status.modifiedAtSeconds),
        idxFileSize: BigInt(status.idxSizeBytes),
        datFileTimestampSeconds: BigInt(status.modifiedAtSeconds),
        datFileSize: BigInt(status.datSizeBytes),
        fileCount: BigInt(status.fileCount),
        compactionRevision: status.revision,
        collection: volume.name.collection,
        diskType: server.diskType ?? '',
        volumeInfo: {
          version: info.version || version,
          replication: info.replication,
          bytesOffset: volume.offsetWidthBytes,
          datFileSize: info.datFileSizeBytes,
          expireAtSec: info.expireAtSeconds,
          readOnly: info.readOnly,
          readOnlyCanDelete: info.readOnlyCanDelete,
        },
        version,
      });
    },

    async volumeServerStatus() {
      const volumes = store.list();
      const used = volumes.reduce((sum, volume) => {
        const { datSizeBytes, idxSizeBytes } = volume.status();
        return sum + datSizeBytes + idxSizeBytes;
      }, 0);
      const free = await env.disk.freeBytes(store.directory);
      const all = used + free;
      const percentFree = all === 0 ? 0 : (100 * free) / all;
      const sizeLimit = SIZE_LIMITS[volumes[0]?.offsetWidthBytes ?? 5];
      return create(pb.VolumeServerStatusResponseSchema, {
        diskStatuses: [
          {
            dir: store.directory,
            all: BigInt(all),
            used: BigInt(used),
            free: BigInt(free),
            percentFree,
            percentUsed: 100 - percentFree,
            diskType: server.diskType ?? '',
          },
        ],
        version: `${sizeLimit} ${server.version ?? 'holdfast'}`,
        dataCenter: server.dataCenter ?? '',
        rack: server.rack ?? '',
        state: { maintenance: state.isMaintenance, version: state.version },
      });
    },

    getState: async () => create(pb.GetStateResponseSchema, { state: stateOf(server) }),

    async setState({ state: next }) {
      // Without a state nothing is asked for.
      if (next !== undefined) await state.change({ isMaintenance: next.maintenance, version: next.version });
      return create(pb.SetStateResponseSchema, { state: stateOf(server) });
    },
  };
}

/** As its files say: a `.vif` overrides the super block. */
export function replicationOf({ info, superBlock }: StoredVolume): string {
  return info.replication || formatReplicaPlacement(superBlock.replicaPlacement);
}

/** What is refused in maintenance fails with SeaweedFS's text. */
export function assertNoMaintenance({ state, address }: VolumeServer): void {
  if (state.isMaintenance) throw refusal(`volume server ${address} is in maintenance mode`);
}

function stateOf({ state }: VolumeServer) {
  return { maintenance: state.isMaintenance, version: state.version };
}
