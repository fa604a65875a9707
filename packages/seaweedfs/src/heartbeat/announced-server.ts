import type { ReplicaPlacement, Ttl, Version } from '@holdfast/format';

/** How a volume server is reached, as a master tells it to others. */
export interface AnnouncedServer {
  readonly ip: string;
  readonly port: number;
  readonly grpcPort: number;
  /** `host:port` for clients outside the cluster; `""` is given out as `ip:port`. */
  readonly publicUrl: string;
  /** `""`: the master's default. */
  readonly dataCenter: string;
  /** `""`: the master's default. */
  readonly rack: string;
  /** One for each directory of volumes, out of its `vol_dir.uuid`. */
  readonly directoryUuids: readonly string[];
}

/** One volume, as a master needs it to place files and to find garbage. */
export interface AnnouncedVolume {
  readonly volumeId: number;
  readonly collection: string;
  readonly version: Version;
  readonly replicaPlacement: ReplicaPlacement;
  readonly ttl: Ttl;
  readonly revision: number;
  readonly datSizeBytes: number;
  /** Puts since the last compaction, those included that were deleted or overwritten. */
  readonly fileCount: number;
  readonly deleteCount: number;
  readonly garbageBytes: number;
  readonly isReadOnly: boolean;
  readonly modifiedAtSeconds: number;
}

/** What a volume server has at one instant: every volume, and the room for more. */
export interface ServerReport {
  readonly volumes: readonly AnnouncedVolume[];
  /** Volumes that it takes in all, those it has included; the master places no new one beyond. */
  readonly maxVolumeCount: number;
  /** The greatest needle id in any volume: a master gives out none that is not greater. */
  readonly maxNeedleId: bigint;
  readonly diskTotalBytes: number;
  readonly diskFreeBytes: number;
}

/** `host:port`, an IPv6 address in brackets. */
export function serverHttpAddress({ ip, port }: Pick<AnnouncedServer, 'ip' | 'port'>): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}
