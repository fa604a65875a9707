import type { Random } from '@holdfast/format';
import {
  type HttpFetch,
  RpcError,
  type RpcListener,
  type RpcServerTransport,
  type RpcService,
} from '@holdfast/protocol';
import { createSeededRandom } from '../seeded-random.js';
import type { StockHooks } from './stock-call.js';
import { type RecordVersion, readStockEntries } from './stock-record.js';
import { createStockVolume, type StockVolume } from './stock-volume.js';
import { createStockVolumeService, type StockRelease } from './volume-service.js';

export interface StockServerOptions {
  /** Where `start` listens, e.g. a memory network. */
  readonly network: RpcServerTransport;
  /** Default `stock:18080`. */
  readonly grpcAddress?: string;
  /** Default `stock:8080`. */
  readonly httpAddress?: string;
  /** Default 4.48. */
  readonly release?: StockRelease;
  /** Default: what the release is built for, 4 bytes in 4.44 and 5 in 4.48. */
  readonly offsetWidthBytes?: 4 | 5;
  /** Default: a clock of its own that moves 1,000,003 ns at each look. */
  readonly nowNs?: () => bigint;
  /** The order of what a vacuum's commit applies. Default: seed 1. */
  readonly random?: Random;
  /** Default 2 MiB. */
  readonly messageBytes?: number;
}

/** A simulated stock SeaweedFS volume server: its RPCs and its `/status` over volumes in memory. */
export interface StockServer {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly offsetWidthBytes: 4 | 5;
  /** Where a test reaches in; may be replaced at any time. */
  hooks: StockHooks;
  readonly volumes: ReadonlyMap<number, StockVolume>;
  readonly services: readonly RpcService[];
  readonly fetch: HttpFetch;
  start(): Promise<void>;
  /** Stops listening and breaks every connection. */
  stop(): Promise<void>;
  /** Stop, what a process does at its start (leftovers of a compaction removed, files loaded), start. */
  restart(): Promise<void>;
  allocate(volumeId: number, options?: StockAllocateOptions): StockVolume;
  /** A volume out of two files, as if they had lain in the server's directory. */
  adopt(volumeId: number, dat: Uint8Array, idx: Uint8Array, options?: StockAllocateOptions): StockVolume;
  deleteVolume(volumeId: number): void;
  /** Throws if a call has ended the process that would have ended the real one. Every test ends with it. */
  assertAlive(): void;
}

export interface StockAllocateOptions {
  readonly collection?: string;
  readonly version?: RecordVersion;
  readonly replicaPlacement?: number;
}

const MESSAGE_BYTES = 2 * 1024 * 1024;
const FIRST_STAMP_NS = 1_700_000_000_000_000_000n;

export function createStockServer(options: StockServerOptions): StockServer {
  const { network, grpcAddress = 'stock:18080', httpAddress = 'stock:8080', release = '4.48' } = options;
  const offsetWidthBytes = options.offsetWidthBytes ?? (release === '4.48' ? 5 : 4);
  const random = options.random ?? createSeededRandom(1);
  let ownClockNs = FIRST_STAMP_NS;
  const nowNs = options.nowNs ?? (() => (ownClockNs += 1_000_003n));
  const volumes = new Map<number, StockVolume>();
  let listener: RpcListener | undefined;
  let killedBy: string | undefined;

  const kill = (reason: string): RpcError => {
    killedBy ??= reason;
    void listener?.close();
    listener = undefined;
    return new RpcError('unavailable', `the simulated server was killed: ${reason}`);
  };

  const services = [
    createStockVolumeService({
      release,
      volumes,
      hooks: {
        beforeCall: (call) => server.hooks.beforeCall?.(call),
        beforeMessage: (call, index) => server.hooks.beforeMessage?.(call, index),
      },
      messageBytes: options.messageBytes ?? MESSAGE_BYTES,
      kill,
    }),
  ];

  const server: StockServer = {
    grpcAddress,
    httpAddress,
    offsetWidthBytes,
    hooks: {},
    volumes,
    services,

    async fetch(url, { signal }) {
      signal.throwIfAborted();
      await unlessAborted(server.hooks.beforeCall?.({ method: 'GET /status', volumeId: 0 }), signal);
      if (!listener) throw new RpcError('unavailable', `${url}: connection refused`);
      const isKnown = url === `http://${httpAddress}/status`;
      return {
        status: isKnown ? 200 : 404,
        text: async () => (isKnown ? JSON.stringify(statusPage(release, volumes)) : ''),
      };
    },

    async start() {
      if (killedBy !== undefined) throw new Error(`a killed server does not start: ${killedBy}`);
      listener ??= await network.serve(grpcAddress, services);
    },
    async stop() {
      await listener?.close();
      listener = undefined;
    },
    async restart() {
      await server.stop();
      for (const volume of volumes.values()) {
        volume.cleanup();
        volume.remount();
      }
      await server.start();
    },

    allocate(volumeId, allocate = {}) {
      if (volumes.has(volumeId)) throw new Error(`Volume Id ${volumeId} already exists!`);
      const volume = createStockVolume({ volumeId, offsetWidthBytes, nowNs, random, ...allocate });
      volumes.set(volumeId, volume);
      return volume;
    },
    adopt(volumeId, dat, idx, allocate = {}) {
      const volume = server.allocate(volumeId, allocate);
      volume.load(dat, idx);
      return volume;
    },
    deleteVolume(volumeId) {
      volumes.delete(volumeId);
    },

    assertAlive() {
      if (killedBy !== undefined) throw new Error(`the simulated server was killed: ${killedBy}`);
    },
  };
  return server;
}

/** A request is given up by its caller whatever keeps the answer from coming. */
async function unlessAborted(wait: void | Promise<void>, signal: AbortSignal): Promise<void> {
  if (wait === undefined) return;
  const given = new AbortController();
  const aborted = new Promise<void>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: given.signal });
  });
  await Promise.race([wait, aborted]).finally(() => given.abort());
}

function statusPage(release: StockRelease, volumes: ReadonlyMap<number, StockVolume>): unknown {
  return {
    DiskStatuses: [],
    Version: release,
    Volumes: [...volumes.values()].map((volume) => {
      const entries = readStockEntries(volume.idx, volume.offsetWidthBytes);
      const puts = entries.filter(({ offset, sizeBytes }) => offset > 0 && sizeBytes >= 0);
      return {
        Id: volume.volumeId,
        // The size fields of all puts, not the length of the file.
        Size: puts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        Collection: volume.collection,
        Version: volume.runtimeVersion,
        FileCount: puts.length,
        DeleteCount: puts.length - volume.liveNeedles().length,
        DeletedByteCount: 0,
        ReadOnly: volume.isReadOnly,
        CompactRevision: volume.revision,
        ModifiedAtSecond: 1_700_000_000,
      };
    }),
  };
}
