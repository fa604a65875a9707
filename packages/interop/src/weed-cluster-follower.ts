import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSyncPolicy, type SyncReport, syncVolumes, type VolumeListing } from '@holdfast/follower';
import { systemTimers } from '@holdfast/format/node';
import type { LeaderClient } from '@holdfast/protocol';
import { type ClusterServer, createMasterClient, createSeaweedLeader } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import type { WeedCluster } from './weed-cluster.js';

/** A directory that follows volumes of a real cluster, whichever servers have them, in process. */
export interface WeedClusterFollower {
  /** One run of one volume, as `backup` does it: found by the master. `failoverAfterMs`: default for ever. */
  sync(volumeId: number, options?: { readonly failoverAfterMs?: number }): Promise<SyncReport>;
  readFile(volumeId: number, ext: '.dat' | '.idx'): Promise<Buffer>;
  remove(): Promise<void>;
}

/** Tries and pauses are few and short: a server that is stopped stays so until the test starts it. */
const policy = { ...defaultSyncPolicy, attempts: 2, firstPauseMs: 20 };

export async function createWeedClusterFollower(cluster: WeedCluster): Promise<WeedClusterFollower> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-copy-'));
  const env = nodeStoreEnvironment();
  const timers = systemTimers;
  const transport = createGrpcTransport();
  const fetch = createNodeFetch();
  const master = createMasterClient({ transport, fetch, addresses: [cluster.masterAddress], timers });
  const { signal } = new AbortController();

  const leaderOf = ({ grpcAddress, httpAddress }: ClusterServer): LeaderClient =>
    createSeaweedLeader({ transport, fetch, grpcAddress, httpAddress, timers, clock: env.clock });

  async function list(volumeId: number): Promise<VolumeListing> {
    const { volumes, servers } = await master.listVolumes(signal);
    const leaders = new Map(servers.map((server) => [server.serverId, leaderOf(server)]));
    const copies = volumes.filter((copy) => copy.volumeId === volumeId).map(({ server }) => server);
    // The master lists in any order; in ours the same seed is the same life.
    const inOrder = cluster.servers.flatMap((own) =>
      copies.filter(({ httpAddress }) => httpAddress === own.httpAddress),
    );
    const locations = inOrder.map(({ serverId }) => ({ server: serverId, leader: leaders.get(serverId)! }));
    const volume = { volumeId, collection: '' };
    return {
      volumes: [{ volume, locations, unsupported: undefined }],
      servers: leaders,
      clusterVolumeCount: volumes.length,
    };
  }

  return {
    async sync(volumeId, { failoverAfterMs } = {}) {
      const [report] = await syncVolumes(await list(volumeId), {
        directory,
        env,
        timers,
        policy,
        failoverAfterMs,
        signal,
        takeOver: false,
        assertLocked: async () => {},
        onProgress: () => {},
      });
      return report!;
    },
    readFile: (volumeId, ext) => readFile(join(directory, `${volumeId}${ext}`)),
    async remove() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}
