import { mkdir, readFile } from 'node:fs/promises';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { formatFileId, formatVolumeName } from '@holdfast/format';
import { type RpcTransport, type UnaryMethod, volumeServerPb } from '@holdfast/protocol';
import { freePortPair } from './free-ports.js';
import { Gone, waitUntil } from './wait-until.js';
import { startWeed, type WeedProcess } from './weed-process.js';

export interface WeedAllocateOptions {
  readonly collection?: string;
  /** As `000`. */
  readonly replication?: string;
  /** As `3d`. */
  readonly ttl?: string;
  /** 3 by default; the others are mounted again, so that they really run as what they are. */
  readonly version?: 1 | 2 | 3;
}

/** One real volume server, and what is done to its volumes. Needles have the low 32 bits of their id as cookie. */
export interface WeedVolumeServer {
  readonly httpAddress: string;
  readonly grpcAddress: string;
  /** By which the master tells of it. */
  readonly announcedAddress: string;
  readonly dataDirectory: string;
  /** Throws with its last words if the process has ended. Every test ends with it. */
  assertAlive(): void;
  /** After a pause of at most a second for a process that is just about to die. */
  assertStaysAlive(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  allocate(volumeId: number, options?: WeedAllocateOptions): Promise<void>;
  mount(volumeId: number): Promise<void>;
  unmount(volumeId: number): Promise<void>;
  deleteVolume(volumeId: number): Promise<void>;
  compact(volumeId: number): Promise<void>;
  commit(volumeId: number): Promise<void>;
  cleanup(volumeId: number): Promise<void>;
  /** Compact, commit, clean up. */
  vacuum(volumeId: number): Promise<void>;
  put(volumeId: number, needleId: bigint, data: Uint8Array, options?: WeedPutOptions): Promise<Response>;
  delete(volumeId: number, needleId: bigint, options?: Pick<WeedPutOptions, 'query'>): Promise<Response>;
  get(volumeId: number, needleId: bigint): Promise<Response>;
  /** A file of a volume as it is on disk now. */
  readFile(
    volumeId: number,
    ext: '.dat' | '.idx' | '.vif' | '.cpd' | '.cpx',
    collection?: string,
  ): Promise<Uint8Array>;
}

export interface WeedPutOptions {
  readonly name?: string;
  readonly contentType?: string;
  readonly query?: Readonly<Record<string, string>>;
}

export interface WeedVolumeServerOptions {
  readonly binary: string;
  readonly directory: string;
  readonly masterAddress: string;
  readonly masterHttpAddress: string;
  readonly transport: RpcTransport;
  readonly args: readonly string[];
  /** The loopback address that the master tells of, where something stands before the server. Default 127.0.0.1. */
  readonly announcedIp?: string;
}

const CALL_TIMEOUT_MS = 60_000;
const DYING_MS = 300;

export async function startWeedVolumeServer(options: WeedVolumeServerOptions): Promise<WeedVolumeServer> {
  const {
    binary,
    directory,
    masterAddress,
    masterHttpAddress,
    transport,
    announcedIp = '127.0.0.1',
  } = options;
  const dataDirectory = `${directory}/data`;
  await mkdir(dataDirectory, { recursive: true });
  const [port, grpcPort] = await freePortPair();
  const httpAddress = `127.0.0.1:${port}`;
  const grpcAddress = `127.0.0.1:${grpcPort}`;
  const args = [
    'volume',
    `-ip=${announcedIp}`,
    '-ip.bind=127.0.0.1',
    `-port=${port}`,
    `-port.grpc=${grpcPort}`,
    `-dir=${dataDirectory}`,
    `-master=${masterAddress}`,
    '-max=200',
    '-preStopSeconds=0',
    ...options.args,
  ];
  const { method } = volumeServerPb.VolumeServer;
  let weed: WeedProcess | undefined;

  const isAnnounced = async (): Promise<boolean> => {
    if (!weed?.isAlive) throw new Gone(`the volume server has ended: ${weed?.log}`);
    const own = await fetch(`http://${httpAddress}/status`);
    const topology = await fetch(`http://${masterHttpAddress}/dir/status`);
    // One that speaks TLS answers 400.
    return own.status <= 400 && (await topology.text()).includes(server.announcedAddress);
  };

  const fileUrl = (volumeId: number, needleId: bigint, query: WeedPutOptions['query'] = {}): URL => {
    const cookie = Number(BigInt.asUintN(32, needleId));
    const url = new URL(`http://${httpAddress}/${formatFileId({ volumeId, needleId, cookie })}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  };

  const server: WeedVolumeServer = {
    httpAddress,
    grpcAddress,
    announcedAddress: `${announcedIp}:${port}`,
    dataDirectory,

    assertAlive() {
      if (!weed?.isAlive) throw new Error(`the real volume server is dead: ${weed?.log}`);
    },
    async assertStaysAlive() {
      await new Promise((resolve) => setTimeout(resolve, DYING_MS));
      server.assertAlive();
      const response = await fetch(`http://${httpAddress}/status`);
      if (!response.ok) throw new Error(`the real volume server answers ${response.status}`);
    },
    async stop() {
      await weed?.stop();
    },
    async kill() {
      await weed?.kill();
    },
    async start() {
      weed = startWeed(binary, args, directory);
      await waitUntil('the volume server registers', isAnnounced);
    },

    async unary(rpc, request) {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const connection = await transport.connect(grpcAddress, { signal });
      try {
        return await connection.unary(rpc, create(rpc.input, request), { signal });
      } finally {
        await connection.close();
      }
    },
    async allocate(volumeId, { collection = '', replication = '000', ttl = '', version = 3 } = {}) {
      await server.unary(method.allocateVolume, { volumeId, collection, replication, ttl, version });
      if (version !== 3) {
        await server.unmount(volumeId);
        await server.mount(volumeId);
      }
    },
    async mount(volumeId) {
      await server.unary(method.volumeMount, { volumeId });
    },
    async unmount(volumeId) {
      await server.unary(method.volumeUnmount, { volumeId });
    },
    async deleteVolume(volumeId) {
      await server.unary(method.volumeDelete, { volumeId });
    },
    async compact(volumeId) {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const connection = await transport.connect(grpcAddress, { signal });
      try {
        const request = create(volumeServerPb.VacuumVolumeCompactRequestSchema, { volumeId });
        const requests = (async function* () {
          yield request;
        })();
        for await (const _ of connection.stream(method.vacuumVolumeCompact, requests, { signal }));
      } finally {
        await connection.close();
      }
    },
    async commit(volumeId) {
      await server.unary(method.vacuumVolumeCommit, { volumeId });
    },
    async cleanup(volumeId) {
      await server.unary(method.vacuumVolumeCleanup, { volumeId });
    },
    async vacuum(volumeId) {
      await server.compact(volumeId);
      await server.commit(volumeId);
      await server.cleanup(volumeId);
    },

    put(volumeId, needleId, data, { name, contentType = 'application/octet-stream', query } = {}) {
      const headers: Record<string, string> = { 'Content-Type': contentType };
      if (name !== undefined) headers['Content-Disposition'] = `form-data; filename="${name}"`;
      return fetch(fileUrl(volumeId, needleId, query), {
        method: 'PUT',
        headers,
        body: new Uint8Array(data),
      });
    },
    delete: (volumeId, needleId, { query } = {}) =>
      fetch(fileUrl(volumeId, needleId, query), { method: 'DELETE' }),
    get: (volumeId, needleId) => fetch(fileUrl(volumeId, needleId)),
    readFile: (volumeId, ext, collection = '') =>
      readFile(`${dataDirectory}/${formatVolumeName({ collection, volumeId })}${ext}`),
  };

  await server.start();
  return server;
}
