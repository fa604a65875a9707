import {
  createMemoryNetwork,
  type LeaderSession,
  type LeaderVolume,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from '@holdfast/protocol';
import {
  createSeededRandom,
  createStockServer,
  createVirtualTime,
  type StockServer,
  type StockServerOptions,
  type StockVolume,
  type VirtualTime,
} from '@holdfast/testkit';
import { createSeaweedLeader, type SeaweedLimits } from '../src/index.js';

export const VOLUME_ID = 7;

export interface StockFixture {
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly server: StockServer;
  readonly stock: StockVolume;
  readonly session: LeaderSession;
  readonly volume: LeaderVolume;
  readonly signal: AbortSignal;
}

export interface StockFixtureOptions extends Partial<StockServerOptions> {
  readonly limits?: Partial<SeaweedLimits>;
  readonly collection?: string;
  readonly alter?: MemoryNetworkOptions['alter'];
  readonly needles?: number;
}

/** A simulated server with one filled volume, and an open session to it. */
export async function stockFixture(options: StockFixtureOptions = {}): Promise<StockFixture> {
  const time = createVirtualTime();
  const network = createMemoryNetwork({
    timers: time.timers,
    ...(options.alter && { alter: options.alter }),
  });
  const server = createStockServer({ network, ...options });
  const { collection = '' } = options;
  const stock = server.allocate(VOLUME_ID, { collection });
  const random = createSeededRandom(11);
  for (let id = 1; id <= (options.needles ?? 20); id++) {
    stock.put(BigInt(id), random.bytes(Math.floor(random.nextFloat() * 900)));
  }
  await server.start();
  const leader = createSeaweedLeader({
    transport: network,
    fetch: server.fetch,
    grpcAddress: server.grpcAddress,
    httpAddress: server.httpAddress,
    timers: time.timers,
    clock: time.clock,
    limits: options.limits ?? {},
  });
  const { signal } = new AbortController();
  const session = await leader.openSession(signal);
  return { time, network, server, stock, session, volume: session.volume(VOLUME_ID, collection), signal };
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(Buffer.concat(parts));
}
