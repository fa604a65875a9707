import { nativeCrc32c } from '@holdfast/format/node';
import { createLeader } from '@holdfast/leader';
import {
  createFollowService,
  createHoldfastLeaderClient,
  createMemoryNetwork,
  type LeaderClient,
  type RpcService,
} from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import {
  createSeededRandom,
  createSimulatedEnvironment,
  createSimulatedScheduler,
  createStockServer,
  type StockVolume,
  type VirtualTime,
} from '@holdfast/testkit';

export const VOLUME_ID = 7;
const ADDRESS = 'leader:1';

/** A volume and a server that tells the truth about it. */
export interface LedVolume {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  /** A client of the server, with what stands between the two. */
  connect(time: VirtualTime, between?: (service: RpcService) => RpcService): Promise<LeaderClient>;
}

export type Leading = (change: (volume: StockVolume) => void) => Promise<LedVolume>;

/** A stock server with a volume that has lived through `change`. */
export const ledByStock: Leading = async (change) => {
  const server = createStockServer({
    network: createMemoryNetwork(createSimulatedScheduler().time),
    random: createSeededRandom(1),
  });
  await server.start();
  const volume = server.allocate(VOLUME_ID);
  change(volume);
  return {
    dat: volume.dat,
    idx: volume.idx,
    async connect({ clock, timers }, between = (service) => service) {
      const transport = createMemoryNetwork({ timers });
      await transport.serve(ADDRESS, server.services.map(between));
      const { fetch, httpAddress } = server;
      return createSeaweedLeader({ transport, fetch, grpcAddress: ADDRESS, httpAddress, timers, clock });
    },
  };
};

/** Holdfast's own leader with the files of that volume. */
export const ledByHoldfast: Leading = async (change) => {
  const { dat, idx } = await ledByStock(change);
  const env = createSimulatedEnvironment({ seed: 3 });
  env.disk.plant(`/served/${VOLUME_ID}.dat`, dat);
  env.disk.plant(`/served/${VOLUME_ID}.idx`, idx);
  return {
    dat,
    idx,
    async connect({ timers }, between = (service) => service) {
      const leader = createLeader({ env, timers, directory: '/served', serverId: 'here' });
      const transport = createMemoryNetwork({ timers });
      await transport.serve(ADDRESS, [
        between(createFollowService(leader, { crc32c: nativeCrc32c, timers })),
      ]);
      return createHoldfastLeaderClient({ address: ADDRESS, transport, crc32c: nativeCrc32c, timers });
    },
  };
};
