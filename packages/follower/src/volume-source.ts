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

/** Where volumes are found. What it says lags; it is never taken for a status. */
export interface VolumeSource {
  list(signal: AbortSignal): Promise<readonly KnownVolume[]>;
}

/**
 * The location to follow: the pinned one for as long as it is there, since replicas stamp and
 * order for themselves; else the first. `undefined` where there is none.
 */
export function chooseLocation(
  locations: readonly VolumeLocation[],
  pinnedServer: string | undefined,
): VolumeLocation | undefined {
  const pinned = locations.find(({ server }) => server === pinnedServer);
  return pinned ?? locations[0];
}
