import { create } from '@bufbuild/protobuf';
import { replicaPlacementToByte, ttlToUint32 } from '@holdfast/format';
import { masterPb } from '@holdfast/protocol';
import {
  type AnnouncedServer,
  type AnnouncedVolume,
  type ServerReport,
  serverHttpAddress,
} from './announced-server.js';

/** `""` is a hard disk. */
const DISK_TYPE = '';

/**
 * A beat with the whole list, which takes the place of what the master knew. Without a digest it never asks for a list
 * again (protocol.md §2).
 */
export function heartbeatMessage(server: AnnouncedServer, report: ServerReport): masterPb.Heartbeat {
  const { ip, port, grpcPort, publicUrl, dataCenter, rack, directoryUuids } = server;
  return create(masterPb.HeartbeatSchema, {
    ip,
    port,
    grpcPort,
    publicUrl: publicUrl === '' ? serverHttpAddress(server) : publicUrl,
    dataCenter,
    rack,
    locationUuids: [...directoryUuids],
    maxVolumeCounts: { [DISK_TYPE]: report.maxVolumeCount },
    maxFileKey: report.maxNeedleId,
    diskTotalBytes: BigInt(report.diskTotalBytes),
    diskFreeBytes: BigInt(report.diskFreeBytes),
    volumes: report.volumes.map(volumeInformation),
    hasNoVolumes: report.volumes.length === 0,
    hasNoEcShards: true,
  });
}

function volumeInformation(volume: AnnouncedVolume) {
  return {
    id: volume.volumeId,
    collection: volume.collection,
    version: volume.version,
    replicaPlacement: replicaPlacementToByte(volume.replicaPlacement),
    ttl: ttlToUint32(volume.ttl),
    compactRevision: volume.revision,
    size: BigInt(volume.datSizeBytes),
    fileCount: BigInt(volume.fileCount),
    deleteCount: BigInt(volume.deleteCount),
    deletedByteCount: BigInt(volume.garbageBytes),
    readOnly: volume.isReadOnly,
    modifiedAtSecond: BigInt(volume.modifiedAtSeconds),
    diskType: DISK_TYPE,
  };
}
