import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatVolumeName } from '@holdfast/format';
import { nativeCrc32c, systemRandom, systemTimers } from '@holdfast/format/node';
import {
  createLeader,
  createVolumeServerService,
  type NeedleStore,
  openNeedleStore,
  openServerState,
} from '@holdfast/leader';
import {
  createFollowService,
  createHealth,
  createReflectionService,
  type RpcServerTransport,
} from '@holdfast/protocol';
import { createHeartbeat } from '@holdfast/seaweedfs';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { freePortPair } from './free-ports.js';

export interface HoldfastVolumeServerOptions {
  /** Registers there. Default: nowhere. */
  readonly masterAddress?: string;
  /** Default: a new one, removed by `stop`. */
  readonly directory?: string;
  /** What it is served over. Default gRPC. */
  readonly transport?: RpcServerTransport;
}

/** Holdfast's own volume server in process, RPC only. */
export interface HoldfastVolumeServer {
  readonly store: NeedleStore;
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly dataDirectory: string;
  vacuum(volumeId: number): Promise<void>;
  readFile(volumeId: number, ext: string, collection?: string): Promise<Uint8Array>;
  stop(): Promise<void>;
}

export async function startHoldfastVolumeServer(
  options: HoldfastVolumeServerOptions = {},
): Promise<HoldfastVolumeServer> {
  const { masterAddress, transport = createGrpcTransport() } = options;
  const dataDirectory = options.directory ?? (await mkdtemp(join(tmpdir(), 'holdfast-server-')));
  await mkdir(dataDirectory, { recursive: true });
  const env = nodeStoreEnvironment();
  const timers = systemTimers;
  const store = await openNeedleStore({ env, timers, directory: dataDirectory });
  const [port, grpcPort] = await freePortPair();
  const [httpAddress, grpcAddress] = [`127.0.0.1:${port}`, `127.0.0.1:${grpcPort}`];
  const leader = createLeader({ env, timers, store, serverId: '' });
  const services = [
    createFollowService(leader, { crc32c: nativeCrc32c, timers }),
    createVolumeServerService({
      env,
      timers,
      store,
      state: await openServerState(env, dataDirectory),
      transport: createGrpcTransport(),
      address: httpAddress,
    }),
  ];
  const known = [...services, createHealth(services).service];
  const listener = await transport.serve(grpcAddress, [...known, createReflectionService(known)]);
  const leaving = new AbortController();
  const member =
    masterAddress === undefined ? undefined : register(store, masterAddress, port, grpcPort, leaving.signal);

  return {
    store,
    httpAddress,
    grpcAddress,
    dataDirectory,
    async vacuum(volumeId) {
      const volume = store.find(volumeId)!;
      await volume.compact();
      await volume.commitCompaction();
    },
    readFile: (volumeId, ext, collection = '') =>
      readFile(`${dataDirectory}/${formatVolumeName({ volumeId, collection })}${ext}`),
    async stop() {
      leaving.abort();
      await member;
      await listener.close();
      await leader.close();
      await store.close();
      if (options.directory === undefined) await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** Tells a master what there is, until the signal aborts. */
function register(
  store: NeedleStore,
  masterAddress: string,
  port: number,
  grpcPort: number,
  signal: AbortSignal,
): Promise<void> {
  const heartbeat = createHeartbeat({
    transport: createGrpcTransport(),
    addresses: [masterAddress],
    timers: systemTimers,
    random: systemRandom,
    server: {
      ip: '127.0.0.1',
      port,
      grpcPort,
      publicUrl: '',
      dataCenter: '',
      rack: '',
      directoryUuids: [store.uuid],
    },
    report: async () => ({
      volumes: store.list().map((volume) => {
        const status = volume.status();
        return {
          ...volume.name,
          ...status,
          version: volume.version,
          replicaPlacement: volume.superBlock.replicaPlacement,
          ttl: volume.superBlock.ttl,
        };
      }),
      maxVolumeCount: 100,
      maxNeedleId: 0n,
      diskTotalBytes: 1,
      diskFreeBytes: 1,
    }),
  });
  const unlisten = store.onChange(heartbeat.beatNow);
  return heartbeat.run(signal).finally(unlisten);
}
