import {
  createLeader,
  createVolumeServerService,
  guardService,
  type MasterNotices,
  type NeedleStore,
  openServerState,
} from '@holdfast/leader';
import {
  createFollowService,
  createHealth,
  createReflectionService,
  type RpcTransport,
} from '@holdfast/protocol';
import type { VerbContext } from '../verb.js';
import { version } from '../version.js';
import { listenRpc, portOf, type RpcAddress } from './listen-rpc.js';
import type { ServeFlagValues } from './serve-flags.js';
import type { ServeSecurity } from './serve-security.js';

export interface RpcServerOptions {
  readonly listen: RpcAddress;
  readonly store: NeedleStore;
  /** To other volume servers. */
  readonly transport: RpcTransport;
  /** Of the data API, as others know it. */
  readonly address: string;
  readonly master: MasterNotices | undefined;
  readonly flags: ServeFlagValues;
  readonly security: ServeSecurity;
}

export interface RpcServer {
  readonly port: number;
  /** Ends every call. Idempotent. */
  close(): Promise<void>;
}

/** `holdfast.v1` and the calls of a SeaweedFS volume server, on one port; beside them gRPC's health and reflection. */
export async function startRpcServer(options: RpcServerOptions, context: VerbContext): Promise<RpcServer> {
  const { listen, store, transport, address, master, flags, security } = options;
  const { env, timers } = context;
  const leader = createLeader({ env, timers, store, serverId: '' });
  const services = [
    createFollowService(leader, { crc32c: env.crc32c, timers }),
    createVolumeServerService({
      env,
      timers,
      store,
      state: await openServerState(env, store.directory),
      transport,
      address,
      version: `holdfast ${version}`,
      dataCenter: flags['data-center'] ?? '',
      rack: flags.rack ?? '',
      ...(master !== undefined && { master }),
      ...(flags['max-volumes'] > 0 && { maxVolumes: flags['max-volumes'] }),
    }),
  ];
  const health = createHealth(services);
  const described = [...services, health.service];
  const guarded = [...described, createReflectionService(described)].map((service) =>
    guardService(service, security),
  );
  const listener = await listenRpc(flags.transport, listen, security.grpcServer, guarded);
  return {
    port: portOf(listener),
    async close() {
      health.stopServing();
      await listener.close();
      await leader.close();
    },
  };
}
