import type { Timers } from '@holdfast/format';
import { createMemoryNetwork } from '@holdfast/protocol';
import { createMasterClient, type MasterClient, SeaweedError, type ServerAddress } from '@holdfast/seaweedfs';
import {
  createSeededRandom,
  createSimulatedScheduler,
  createStockMaster,
  createStockServer,
} from '@holdfast/testkit';
import { expectThat, type FuzzTarget, Violation } from '../fuzz-target.js';
import { hostileService, makeLies, parseLies } from '../hostile-service.js';

/** More answers than these calls have. */
const ANSWERS_MAX = 12;
const WATCH_MS = 300_000;
/** Of virtual time: more than all calls with all their timeouts take. */
const LIMIT_MS = 3_600_000;
const ADDRESS = /^\S+:([1-9]\d{0,4})$/;

/** A master that lies in some of its answers: what it says as addresses and numbers that can be used, or a typed error. */
export const masterAnswers: FuzzTarget = {
  name: 'master-answers',
  share: 6,
  prepare: () => ({
    make: (dice) => makeLies(dice, ANSWERS_MAX),
    async run(input) {
      const scheduler = createSimulatedScheduler();
      const { timers } = scheduler.time;
      const end = await scheduler.run(async () => {
        const network = createMemoryNetwork({ timers });
        const lies = parseLies(input);
        const master = createStockMaster({
          network: {
            serve: (address, services) =>
              network.serve(
                address,
                services.map((service) => hostileService(service, lies)),
              ),
          },
          servers: await createServers(network),
          topologyId: 'a',
          erasureCodedVolumeIds: [9],
        });
        await master.start();
        const client = createMasterClient({
          transport: network,
          fetch: master.fetch,
          addresses: [`${master.httpAddress}.${master.grpcAddress.split(':')[1]}`],
          timers,
        });
        await askEverything(client, timers);
      }, LIMIT_MS);
      if (end.kind === 'failed') throw end.error;
      if (end.kind !== 'done') throw new Violation(`the calls are ${end.kind}`);
    },
  }),
};

async function createServers(network: ReturnType<typeof createMemoryNetwork>) {
  const servers = [1, 2].map((number) =>
    createStockServer({
      network,
      random: createSeededRandom(number),
      httpAddress: `server${number}:8080`,
      grpcAddress: `server${number}:18080`,
    }),
  );
  for (const [i, server] of servers.entries()) {
    await server.start();
    server.allocate(7);
    server.allocate(8 + i, { collection: 'pictures' });
  }
  return servers;
}

async function askEverything(client: MasterClient, timers: Timers): Promise<void> {
  const { signal } = new AbortController();
  await orTyped(async () => {
    const { servers, volumes, volumeSizeLimitBytes } = await client.listVolumes(signal);
    servers.forEach(expectAddress);
    for (const { server, volumeId, datSizeBytes, fileCount, deleteCount } of volumes) {
      expectAddress(server);
      for (const number of [volumeId, datSizeBytes, fileCount, deleteCount, volumeSizeLimitBytes])
        expectThat(Number.isInteger(number) && number >= 0, `a number is ${number}`);
    }
  });
  await orTyped(async () => {
    for (const [volumeId, locations] of await client.lookup([7, 9, 99], signal)) {
      expectThat(Number.isInteger(volumeId) && volumeId >= 0, `a volume ${volumeId}`);
      locations.forEach(expectAddress);
    }
  });
  await orTyped(() => watchForAWhile(client, timers));
  await orTyped(() => client.ping('master:9333.19333', signal));
}

/** By itself a watch ends where it fails. */
async function watchForAWhile(client: MasterClient, timers: Timers): Promise<void> {
  const enough = new AbortController();
  void timers.sleep(WATCH_MS, enough.signal).then(
    () => enough.abort(),
    () => undefined,
  );
  try {
    for await (const { server } of client.watch(enough.signal)) expectAddress(server);
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  } finally {
    enough.abort();
  }
}

function expectAddress({ httpAddress, grpcAddress }: ServerAddress): void {
  for (const address of [httpAddress, grpcAddress]) {
    const port = Number(ADDRESS.exec(address)?.[1]);
    expectThat(port <= 65_535, `no address: ${address}`);
  }
}

async function orTyped(doing: () => Promise<unknown>): Promise<void> {
  try {
    await doing();
  } catch (error) {
    if (!(error instanceof SeaweedError)) throw error;
  }
}
