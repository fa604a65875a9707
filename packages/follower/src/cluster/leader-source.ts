import type { VolumeName } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';
import type { KnownVolume, VolumeSource } from './volume-source.js';

export interface LeaderSourceOptions {
  readonly leader: LeaderClient;
  /** What names the server in positions, the same over restarts. Default: its address. */
  readonly server?: string;
  /** Default: all. */
  readonly selects?: (volume: VolumeName) => boolean;
}

/** The volumes of one server, by its sweep: for whoever follows a server, and no cluster. */
export function createLeaderSource(options: LeaderSourceOptions): VolumeSource {
  const { leader, server = leader.address, selects = () => true } = options;
  return {
    selects,
    async list(signal) {
      const swept = await leader.sweep(signal);
      const volumes = swept
        .map(({ volumeId, collection }): KnownVolume => {
          const locations = [{ server, leader }];
          return { volume: { volumeId, collection }, locations, unsupported: undefined };
        })
        .filter(({ volume }) => selects(volume));
      return { volumes, servers: new Map([[server, leader]]), clusterVolumeCount: swept.length };
    },
  };
}
