import type { KnownVolume, VolumeListing, VolumeSource } from '@holdfast/follower';
import { formatVolumeName, isSafeCollection, type VolumeName } from '@holdfast/format';
import { createHoldfastLeaderClient, type LeaderClient } from '@holdfast/protocol';
import {
  type ClusterServer,
  type ClusterVolume,
  createMasterClient,
  createSeaweedLeader,
} from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { detectLeader } from './detect-leader.js';
import { address } from './flag-values.js';
import type { OptionFlag } from './flags.js';
import type { ClusterSecurity } from './security.js';
import type { VerbContext } from './verb.js';
import { isSelected, type VolumeSelection } from './volume-selection.js';

/** `--master`, which may name several masters of one cluster. */
export const masterFlag: OptionFlag<readonly string[]> = {
  kind: 'option',
  placeholder: 'HOST:PORT',
  help: 'a master of the cluster, or several parted by commas',
  parse: (text) => text.split(',').map((part) => address(part.trim())),
};

export interface ClusterOptions {
  readonly masters: readonly string[];
  readonly security: ClusterSecurity;
  readonly selection: VolumeSelection;
  readonly context: VerbContext;
}

/** A SeaweedFS cluster: which of its volumes are selected and who has them. */
export interface Cluster extends VolumeSource {
  clusterId(signal: AbortSignal): Promise<string | undefined>;
}

export function openCluster({ masters, security, selection, context }: ClusterOptions): Cluster {
  const { timers, env } = context;
  const transport = createGrpcTransport(security.grpc === undefined ? {} : { tls: security.grpc });
  const fetch = createNodeFetch(security.https === undefined ? {} : { tls: security.https });
  const httpScheme = security.https === undefined ? 'http' : 'https';
  const master = createMasterClient({ transport, fetch, httpScheme, addresses: masters, timers });
  const leaders = new Map<string, LeaderClient>();

  /** One client a server: the bounds of the load on it are the client's. */
  function leaderOf({ grpcAddress, httpAddress }: ClusterServer): LeaderClient {
    const known = leaders.get(grpcAddress);
    if (known !== undefined) return known;
    const { clock, crc32c } = env;
    const leader = detectLeader({
      own: createHoldfastLeaderClient({ address: grpcAddress, transport, crc32c, timers }),
      stock: createSeaweedLeader({
        transport,
        fetch,
        grpcAddress,
        httpAddress,
        httpScheme,
        timers,
        clock,
      }),
    });
    leaders.set(grpcAddress, leader);
    return leader;
  }

  return {
    clusterId: (signal) => master.clusterId(signal),
    selects: ({ volumeId, collection }) => isSelected(selection, volumeId, collection),
    async list(signal): Promise<VolumeListing> {
      const { volumes, servers } = await master.listVolumes(signal);
      const selected = volumes.filter(({ volumeId, collection }) =>
        isSelected(selection, volumeId, collection),
      );
      const nameable = selected.filter(({ collection }) => isSafeCollection(collection));
      const others = selected.filter(({ collection }) => !isSafeCollection(collection));
      return {
        volumes: groupCopies(nameable, leaderOf),
        unnameable: distinctNames(others),
        servers: new Map(servers.map((server) => [server.serverId, leaderOf(server)])),
        clusterVolumeCount: volumes.length,
      };
    },
  };
}

/** One entry a volume, with all the servers that have a copy which can be followed. */
function groupCopies(
  copies: readonly ClusterVolume[],
  leaderOf: (server: ClusterServer) => LeaderClient,
): readonly KnownVolume[] {
  const groups = new Map<string, ClusterVolume[]>();
  for (const copy of copies) {
    const name = formatVolumeName(copy);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [copy]);
    else group.push(copy);
  }
  const known = [...groups.values()].map((group): KnownVolume => {
    const { volumeId, collection } = group[0]!;
    const plain = group.filter(({ kind }) => kind === 'normal');
    const [odd] = group
      .filter(({ kind }) => kind !== 'normal')
      .map(({ kind }) => kind as 'erasure-coded' | 'remote');
    return {
      volume: { volumeId, collection },
      locations: plain.map(({ server }) => ({ server: server.serverId, leader: leaderOf(server) })),
      unsupported: plain.length === 0 ? odd : undefined,
    };
  });
  return known.sort((a, b) => a.volume.volumeId - b.volume.volumeId);
}

/** Each volume once, however many copies it has. */
function distinctNames(copies: readonly ClusterVolume[]): readonly VolumeName[] {
  const names = copies.map(({ volumeId, collection }) => ({ volumeId, collection }));
  const distinct = new Map(names.map((name) => [JSON.stringify(name), name]));
  return [...distinct.values()].sort((a, b) => a.volumeId - b.volumeId);
}
