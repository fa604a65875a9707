import type { Peers } from '@holdfast/leader';
import type { RpcTransport } from '@holdfast/protocol';
import { createMasterClient, type MasterClient } from '@holdfast/seaweedfs';
import type { VerbContext } from '../verb.js';
import { createClusterPeers } from './cluster-peers.js';
import { batchLookups } from './lookup-batches.js';
import type { ServeSecurity } from './serve-security.js';
import { createVolumeLocations } from './volume-locations.js';

/** The cluster around a server: its masters, and its other servers. */
export interface ServedCluster {
  readonly masters: readonly string[];
  readonly transport: RpcTransport;
  readonly master: MasterClient;
  /** The other servers, for the one at this address. */
  peersOf(ownHttpAddress: string): Peers;
  close(): Promise<void>;
}

export function openServedCluster(
  masters: readonly string[],
  transport: RpcTransport,
  security: ServeSecurity,
  { env, timers }: VerbContext,
): ServedCluster {
  const { clock } = env;
  const master = createMasterClient({ transport, addresses: masters, timers });
  const lookUp = batchLookups(master.lookup);
  const closing: (() => Promise<void>)[] = [];
  return {
    masters,
    transport,
    master,
    peersOf(ownHttpAddress) {
      const peers = createClusterPeers({
        locations: createVolumeLocations({ lookUp, clock, ownHttpAddress }),
        tls: security.httpClient,
        writeKeys: security.writeKeys,
        readKeys: security.readKeys,
        nowSeconds: () => clock.nowMs() / 1000,
      });
      closing.push(peers.close);
      return peers;
    },
    async close() {
      for (const close of closing) await close();
    },
  };
}
