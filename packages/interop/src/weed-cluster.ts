import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RpcTransport } from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { freePortPair } from './free-ports.js';
import { Gone, waitUntil } from './wait-until.js';
import { weedBinary } from './weed-binary.js';
import { startWeed } from './weed-process.js';
import { startWeedVolumeServer, type WeedVolumeServer } from './weed-volume-server.js';

/** A real master and its real volume servers on loopback, in a temporary directory of their own. */
export interface WeedCluster {
  readonly directory: string;
  readonly binary: string;
  /** `host:port.grpcPort`, for every tool. */
  readonly masterAddress: string;
  readonly masterHttpAddress: string;
  readonly servers: readonly WeedVolumeServer[];
  /** Starts one more. */
  addServer(options?: WeedServerOptions): Promise<WeedVolumeServer>;
  /** The HTTP addresses that the master's lookup knows for the volume. */
  lookUp(volumeId: number): Promise<readonly string[]>;
  /** Waits until the master's lookup knows the volume on so many servers (default 1). */
  waitForVolume(volumeId: number, copies?: number): Promise<void>;
  /** Waits until the master's lookup knows the volume on these servers and no other. */
  waitForCopies(volumeId: number, servers: readonly WeedVolumeServer[]): Promise<void>;
  /** Ends its own processes, and removes the directory. Idempotent. */
  stop(): Promise<void>;
}

export interface WeedServerOptions {
  /** A directory for its files; default one in the cluster's own. */
  readonly directory?: string;
  readonly args?: readonly string[];
  /** See `WeedVolumeServerOptions`. */
  readonly announcedIp?: string;
}

export interface WeedClusterOptions {
  /** Default 1. */
  readonly volumeServers?: number;
  readonly masterArgs?: readonly string[];
  readonly volumeServerArgs?: readonly string[];
  /** The text of a `security.toml` for all of them. */
  readonly securityToml?: string;
  /** For the harness' own calls. Default: plain text. */
  readonly transport?: RpcTransport;
}

export async function startWeedCluster(options: WeedClusterOptions = {}): Promise<WeedCluster> {
  const { volumeServers = 1, masterArgs = [], volumeServerArgs = [], securityToml } = options;
  const transport = options.transport ?? createGrpcTransport();
  const binary = await weedBinary();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-weed-'));
  const masterDirectory = join(directory, 'master');
  const servers: WeedVolumeServer[] = [];

  const prepare = async (path: string): Promise<void> => {
    await mkdir(path, { recursive: true });
    if (securityToml !== undefined) await writeFile(join(path, 'security.toml'), securityToml);
  };

  await prepare(masterDirectory);
  const [port, grpcPort] = await freePortPair();
  const masterHttpAddress = `127.0.0.1:${port}`;
  const masterAddress = `${masterHttpAddress}.${grpcPort}`;
  const master = startWeed(
    binary,
    [
      'master',
      '-telemetry=false',
      '-ip=127.0.0.1',
      `-port=${port}`,
      `-port.grpc=${grpcPort}`,
      `-mdir=${masterDirectory}`,
      '-peers=none',
      // No vacuum but a test's own.
      '-vacuumIntervalSeconds=86400',
      ...masterArgs,
    ],
    masterDirectory,
  );

  const cluster: WeedCluster = {
    directory,
    binary,
    masterAddress,
    masterHttpAddress,
    servers,
    async addServer(server = {}) {
      const home = server.directory ?? join(directory, `server-${servers.length}`);
      await prepare(home);
      const args = [...volumeServerArgs, ...(server.args ?? [])];
      const started = await startWeedVolumeServer({
        binary,
        directory: home,
        masterAddress,
        masterHttpAddress,
        transport,
        args,
        ...(server.announcedIp === undefined ? {} : { announcedIp: server.announcedIp }),
      });
      servers.push(started);
      return started;
    },
    async lookUp(volumeId) {
      const response = await fetch(`http://${masterHttpAddress}/dir/lookup?volumeId=${volumeId}`);
      const { locations = [] } = (await response.json()) as {
        readonly locations?: readonly { readonly url: string }[];
      };
      return locations.map(({ url }) => url);
    },
    async waitForVolume(volumeId, copies = 1) {
      await waitUntil(`volume ${volumeId} on ${copies} servers`, async () => {
        return (await cluster.lookUp(volumeId)).length >= copies;
      });
    },
    async waitForCopies(volumeId, expected) {
      const wanted = expected.map(({ announcedAddress }) => announcedAddress).sort();
      await waitUntil(
        `volume ${volumeId} on ${wanted}`,
        async () => [...(await cluster.lookUp(volumeId))].sort().join() === wanted.join(),
      );
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await master.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };

  try {
    await waitUntil('the master leads', async () => {
      if (!master.isAlive) throw new Gone(`the master has ended: ${master.log}`);
      const response = await fetch(`http://${masterHttpAddress}/cluster/status`);
      return ((await response.json()) as { readonly IsLeader?: boolean }).IsLeader === true;
    });
    for (let count = 0; count < volumeServers; count++) await cluster.addServer();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}
