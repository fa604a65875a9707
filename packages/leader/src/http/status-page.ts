import type { ReplicaPlacement } from '@holdfast/format';
import { jsonAnswer } from './answers.js';
import type { ReadableVolumes } from './data-api-ports.js';

/** `/status`: what the volumes are, as a volume server of SeaweedFS tells it (protocol.md §4). */
export function statusAnswer(reads: ReadableVolumes, version: string): Response {
  const volumes = reads.list().map((volume) => {
    const { superBlock } = volume;
    const status = volume.status();
    return {
      Id: volume.name.volumeId,
      Size: status.datSizeBytes,
      ReplicaPlacement: placementOf(superBlock.replicaPlacement),
      Ttl: { Count: superBlock.ttl.count, Unit: superBlock.ttl.unit },
      DiskType: '',
      Collection: volume.name.collection,
      Version: volume.version,
      FileCount: status.liveNeedles + status.deletedNeedles,
      DeleteCount: status.deletedNeedles,
      DeletedByteCount: status.garbageBytes,
      ReadOnly: status.isReadOnly,
      CompactRevision: status.revision,
      ModifiedAtSecond: status.modifiedAtSeconds,
      RemoteStorageName: '',
    };
  });
  return jsonAnswer(200, { Version: version, Volumes: volumes.sort((a, b) => a.Id - b.Id) });
}

/** Zeros are left out. */
function placementOf(placement: ReplicaPlacement) {
  const { otherDataCenters: dc, otherRacks: rack, sameRack: node } = placement;
  return { ...(dc > 0 && { dc }), ...(rack > 0 && { rack }), ...(node > 0 && { node }) };
}
