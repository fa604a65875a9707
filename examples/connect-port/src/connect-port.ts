import { nativeCrc32c as crc32c, systemTimers as timers } from '@holdfast/format/node';
import { createLeader, type NeedleStore, openNeedleStore } from '@holdfast/leader';
import { createFollowService } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createConnectTransport } from '@holdfast/transport-connect';
import { createFilesService } from './files-service.js';

export interface ConnectPortOptions {
  readonly directory: string;
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
}

export interface ConnectPort {
  /** `host:port` as bound. */
  readonly address: string;
  readonly store: NeedleStore;
  close(): Promise<void>;
}

/**
 * One port on which followers follow, over gRPC, gRPC-Web or Connect, and which answers a service of its own, `curl` with
 * JSON included.
 */
export async function openConnectPort({ directory, address }: ConnectPortOptions): Promise<ConnectPort> {
  const env = nodeStoreEnvironment();
  const store = await openNeedleStore({ env, timers, directory });
  const leader = createLeader({ env, timers, store, serverId: 'connect-port' });
  const services = [createFollowService(leader, { crc32c, timers }), createFilesService(store, env.random)];
  const listener = await createConnectTransport().serve(address, services);
  return {
    address: listener.address,
    store,
    async close() {
      await listener.close();
      await leader.close();
      await store.close();
    },
  };
}
