import type { masterPb } from '@holdfast/protocol';
import { locationAddress, type ServerAddress } from './address.js';

/** One volume server as a master knows it. */
export interface ClusterServer extends ServerAddress {
  /** The server's `-id`, which is its HTTP address where none was given. */
  readonly serverId: string;
  readonly dataCenter: string;
  readonly rack: string;
}

/**
 * - `normal`: it can be followed.
 * - `erasure-coded`: this server has shards of it.
 * - `remote`: its data lies on remote storage.
 */
export type ClusterVolumeKind = 'normal' | 'erasure-coded' | 'remote';

/** One server's copy of one volume, as old as the server's last full heartbeat: no step is decided by it. */
export interface ClusterVolume {
  readonly volumeId: number;
  readonly collection: string;
  readonly kind: ClusterVolumeKind;
  readonly server: ClusterServer;
  /** 0 for a volume made since the last full heartbeat, and for shards. */
  readonly datSizeBytes: number;
  readonly fileCount: number;
  readonly deleteCount: number;
}

export interface ClusterTopology {
  /** Every server that the master hears of, those without a volume included. */
  readonly servers: readonly ClusterServer[];
  readonly volumes: readonly ClusterVolume[];
}

/** Every server and copy that a topology lists. Only nodes list volumes; the levels above carry sums (protocol.md §2). */
export function clusterTopology(topology: masterPb.TopologyInfo | undefined): ClusterTopology {
  const servers: ClusterServer[] = [];
  const volumes: ClusterVolume[] = [];
  for (const dataCenter of topology?.dataCenterInfos ?? []) {
    for (const rack of dataCenter.rackInfos) {
      for (const node of rack.dataNodeInfos) {
        const server: ClusterServer = {
          ...locationAddress(node.address || node.id, node.grpcPort),
          serverId: node.id,
          dataCenter: dataCenter.id,
          rack: rack.id,
        };
        servers.push(server);
        for (const disk of Object.values(node.diskInfos)) volumes.push(...diskVolumes(disk, server));
      }
    }
  }
  return { servers, volumes };
}

function* diskVolumes(disk: masterPb.DiskInfo, server: ClusterServer): Generator<ClusterVolume, void> {
  for (const volume of disk.volumeInfos) {
    yield {
      volumeId: volume.id,
      collection: volume.collection,
      kind: volume.remoteStorageName === '' ? 'normal' : 'remote',
      server,
      datSizeBytes: Number(volume.size),
      fileCount: Number(volume.fileCount),
      deleteCount: Number(volume.deleteCount),
    };
  }
  for (const { id, collection } of disk.ecShardInfos) {
    yield {
      volumeId: id,
      collection,
      kind: 'erasure-coded',
      server,
      datSizeBytes: 0,
      fileCount: 0,
      deleteCount: 0,
    };
  }
}
