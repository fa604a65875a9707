import { create } from '@bufbuild/protobuf';
import {
  createRpcService,
  type HttpFetch,
  masterPb,
  RpcError,
  type RpcListener,
  type RpcServerTransport,
} from '@holdfast/protocol';
import { createHeartbeatBook, type HeartbeatBook } from './heartbeat-book.js';
import type { StockServer } from './stock-server.js';

export interface StockMasterOptions {
  readonly network: RpcServerTransport;
  /** Default `master:19333`. */
  readonly grpcAddress?: string;
  /** Default `master:9333`. */
  readonly httpAddress?: string;
  readonly servers: readonly StockServer[];
  /** Another master, `host:port.grpcPort`, that leads instead of this one. */
  readonly leader?: string;
  /** `undefined`: an older release, whose `/dir/status` has none. */
  readonly topologyId?: string;
  /** Volumes listed as erasure coded, on the first server. */
  readonly erasureCodedVolumeIds?: readonly number[];
}

/** A simulated master: lookup, volume list, location stream, heartbeats and `/dir/status` (protocol.md §2). */
export interface StockMaster {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly fetch: HttpFetch;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Tells the watchers what the servers hold now. */
  announce(): void;
  /** From now on another master leads, `host:port.grpcPort`. */
  stepDown(newLeader: string): void;
  /** The volume servers that beat here. */
  readonly heartbeats: HeartbeatBook;
}

export function createStockMaster(options: StockMasterOptions): StockMaster {
  const { network, grpcAddress = 'master:19333', httpAddress = 'master:9333', servers } = options;
  let { leader } = options;
  let listener: RpcListener | undefined;
  const wakeWatchers = new Set<() => void>();
  const self = `${httpAddress}.${grpcAddress.split(':')[1]}`;
  const heartbeats = createHeartbeatBook(() => leader ?? self);

  const requireLeader = (): void => {
    if (leader !== undefined) throw new RpcError('unknown', 'raft.Server: Not current leader');
  };

  const location = (server: StockServer) => {
    const grpcPort = Number(server.grpcAddress.split(':')[1]);
    return { url: server.httpAddress, publicUrl: server.httpAddress, grpcPort, dataCenter: 'dc1' };
  };

  const service = createRpcService(masterPb.Seaweed, {
    async lookupVolume({ volumeOrFileIds }) {
      requireLeader();
      return create(masterPb.LookupVolumeResponseSchema, {
        volumeIdLocations: volumeOrFileIds.map((text) => {
          const volumeOrFileId = text.split(',')[0]!;
          const volumeId = Number(volumeOrFileId);
          const holders = servers.filter((server) => server.volumes.has(volumeId)).map(location);
          const locations = [...holders, ...heartbeats.locations(volumeId)];
          return locations.length > 0
            ? { volumeOrFileId, locations }
            : { volumeOrFileId, error: `volume id ${volumeOrFileId} not found` };
        }),
      });
    },

    async volumeList() {
      requireLeader();
      return create(masterPb.VolumeListResponseSchema, {
        volumeSizeLimitMb: 30_720n,
        topologyInfo: {
          id: 'topo',
          dataCenterInfos: [
            {
              id: 'dc1',
              rackInfos: [{ id: 'rack1', dataNodeInfos: servers.map((server, at) => dataNode(server, at)) }],
            },
          ],
        },
      });
    },

    async getMasterConfiguration() {
      return create(masterPb.GetMasterConfigurationResponseSchema, {
        leader: leader ?? self,
        volumeSizeLimitMB: 30_720,
      });
    },

    async ping() {
      return create(masterPb.PingResponseSchema, { startTimeNs: 1n, stopTimeNs: 2n });
    },

    sendHeartbeat: (beats, { signal }) => heartbeats.receive(beats, signal),

    async *keepConnected(_requests, { signal }) {
      if (leader !== undefined) {
        yield create(masterPb.KeepConnectedResponseSchema, { volumeLocation: { leader } });
        return;
      }
      const known = new Map<StockServer, Set<number>>();
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        const announced = wakeUp(wakeWatchers, signal);
        if (isFirst && servers.length === 0) {
          yield create(masterPb.KeepConnectedResponseSchema, { volumeLocation: { leader: self } });
        }
        for (const [at, server] of servers.entries()) {
          const former = known.get(server) ?? new Set();
          const now = new Set(server.volumes.keys());
          known.set(server, now);
          const newVids = [...now].filter((id) => !former.has(id));
          const deletedVids = [...former].filter((id) => !now.has(id));
          if (!isFirst && newVids.length === 0 && deletedVids.length === 0) continue;
          yield create(masterPb.KeepConnectedResponseSchema, {
            volumeLocation: {
              ...location(server),
              newVids,
              deletedVids,
              leader: isFirst && at === 0 ? self : '',
            },
          });
        }
        await announced;
      }
    },
  });

  const dataNode = (server: StockServer, at: number) => ({
    id: server.httpAddress,
    address: server.httpAddress,
    grpcPort: Number(server.grpcAddress.split(':')[1]),
    diskInfos: {
      '': {
        type: '',
        volumeInfos: [...server.volumes.values()].map((volume) => ({
          id: volume.volumeId,
          collection: volume.collection,
          size: BigInt(volume.tailBytes),
          version: volume.runtimeVersion,
          compactRevision: volume.revision,
        })),
        ecShardInfos: at === 0 ? (options.erasureCodedVolumeIds ?? []).map((id) => ({ id })) : [],
      },
    },
  });

  return {
    grpcAddress,
    httpAddress,
    async fetch(url, { signal }) {
      signal.throwIfAborted();
      if (!listener) throw new RpcError('unavailable', `${url}: connection refused`);
      const page = { Topology: {}, TopologyId: options.topologyId, Version: 'model' };
      const isKnown = url === `http://${httpAddress}/dir/status`;
      return { status: isKnown ? 200 : 404, text: async () => (isKnown ? JSON.stringify(page) : '') };
    },
    async start() {
      listener ??= await network.serve(grpcAddress, [service]);
    },
    async stop() {
      await listener?.close();
      listener = undefined;
    },
    announce() {
      for (const wake of wakeWatchers) wake();
    },
    stepDown(newLeader) {
      leader = newLeader;
    },
    heartbeats,
  };
}

/** Resolves at the next announcement, or when the watcher goes. */
function wakeUp(wakeWatchers: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      wakeWatchers.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    wakeWatchers.add(wake);
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}
