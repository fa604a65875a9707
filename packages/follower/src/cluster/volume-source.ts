import type { VolumeName } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';

/** One server that has a copy of a volume. */
export interface VolumeLocation {
  /** What names the server in a position: its id, else its address. Stable over restarts. */
  readonly server: string;
  readonly leader: LeaderClient;
}

/** A volume of the cluster, as it is known now. */
export interface KnownVolume {
  readonly volume: VolumeName;
  readonly locations: readonly VolumeLocation[];
  /** Why it cannot be followed: it is listed, not passed over. */
  readonly unsupported: 'erasure-coded' | 'remote' | undefined;
}

/** What a cluster says that it has. It lags by heartbeats, and is never taken for a status. */
export interface VolumeListing {
  /** The volumes that are selected. */
  readonly volumes: readonly KnownVolume[];
  /** Those of them that no file can be named after, for the name of their collection: they cannot be followed. Default none. */
  readonly unnameable?: readonly VolumeName[];
  /** The servers that the cluster counts as alive, by the name that positions have them under. */
  readonly servers: ReadonlyMap<string, LeaderClient>;
  /** How many volumes the cluster lists, selected or not: where there are none, none has vanished. */
  readonly clusterVolumeCount: number;
}

/** Where volumes are found. */
export interface VolumeSource {
  list(signal: AbortSignal): Promise<VolumeListing>;
  /** Whether a volume that is not listed would be selected if it were. */
  selects(volume: VolumeName): boolean;
}
