import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { createMemoryNetwork, type LeaderClient } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import {
  createSimulatedEnvironment,
  createStockServer,
  type SimulatedEnvironment,
  type StockServer,
  type StockVolume,
} from '@holdfast/testkit';
import { expect, onTestFinished } from 'vitest';
import {
  defaultSyncPolicy,
  type FollowedVolume,
  type FollowVolumesOptions,
  followVolumes,
  type KnownVolume,
  type SyncReport,
  type SyncVolumesOptions,
  syncVolumes,
  type VanishedVolume,
  type VolumeListing,
  type VolumeSource,
} from '../../src/index.js';

export const DIRECTORY = '/copy';
export const INTERVAL_MS = 1_000;

/** Some simulated stock servers, what a master would say of them, and a directory that follows them, in virtual time. */
export interface ClusterKit {
  readonly env: SimulatedEnvironment;
  readonly servers: readonly StockServer[];
  readonly source: VolumeSource;
  /** Servers that the master does not hear of: their volumes are not listed. */
  readonly unheard: Set<StockServer>;
  /** What is listed beside the volumes of the servers. */
  readonly listedToo: KnownVolume[];
  backup(options?: Partial<SyncVolumesOptions>): Promise<readonly SyncReport[]>;
  follow(options?: Partial<FollowVolumesOptions>): Following;
  copy(volumeId: number): { readonly dat: Uint8Array; readonly idx: Uint8Array };
  expectEqual(volume: StockVolume): void;
  nameOf(server: StockServer): string;
}

/** A follower that runs until the test ends. */
export interface Following {
  readonly volumes: ReadonlyMap<string, FollowedVolume>;
  readonly vanished: readonly VanishedVolume[];
  readonly problems: readonly unknown[];
  readonly reports: readonly SyncReport[];
  /** Lets time pass until it is so; fails after `withinMs`, or as the follower did. Gives how long it took. */
  until(isSo: () => boolean, withinMs?: number): Promise<number>;
  /** Ends it, as SIGTERM does. */
  end(): Promise<void>;
}

export async function createClusterKit(serverCount: number, seed = 1): Promise<ClusterKit> {
  const env = createSimulatedEnvironment({ seed });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const { time } = env;
  const { timers, clock } = time;
  const network = createMemoryNetwork({ timers });
  const servers: StockServer[] = [];
  const leaders = new Map<StockServer, LeaderClient>();
  for (let i = 1; i <= serverCount; i++) {
    const server = createStockServer({ network, grpcAddress: `s${i}:18080`, httpAddress: `s${i}:8080` });
    await server.start();
    servers.push(server);
    const { grpcAddress, httpAddress, fetch } = server;
    leaders.set(
      server,
      createSeaweedLeader({ transport: network, fetch, grpcAddress, httpAddress, timers, clock }),
    );
  }
  onTestFinished(async () => {
    for (const server of servers) {
      await server.stop();
      server.assertAlive();
    }
  });
  const nameOf = (server: StockServer) => server.httpAddress;
  const unheard = new Set<StockServer>();
  const listedToo: KnownVolume[] = [];

  const source: VolumeSource = {
    selects: () => true,
    async list(): Promise<VolumeListing> {
      const heard = servers.filter((server) => !unheard.has(server));
      const volumes = new Map<
        number,
        { volume: VolumeName; locations: { server: string; leader: LeaderClient }[] }
      >();
      for (const server of heard) {
        for (const { volumeId, collection } of server.volumes.values()) {
          const known = volumes.get(volumeId) ?? { volume: { volumeId, collection }, locations: [] };
          known.locations.push({ server: nameOf(server), leader: leaders.get(server)! });
          volumes.set(volumeId, known);
        }
      }
      return {
        volumes: [
          ...[...volumes.values()].map((known) => ({ ...known, unsupported: undefined })),
          ...listedToo,
        ],
        servers: new Map(heard.map((server) => [nameOf(server), leaders.get(server)!])),
        clusterVolumeCount: volumes.size,
      };
    },
  };

  const context = {
    directory: DIRECTORY,
    env,
    timers,
    policy: defaultSyncPolicy,
    takeOver: false,
    assertLocked: async () => undefined,
    onProgress: () => undefined,
  };

  /** Virtual time goes on until the work is done. */
  async function during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    ended.catch(() => undefined);
    while (!isDone) await time.advance(10);
    return await ended;
  }

  const kit: ClusterKit = {
    env,
    servers,
    source,
    unheard,
    listedToo,
    nameOf,
    async backup(options = {}) {
      const { signal } = new AbortController();
      const listing = await source.list(signal);
      return await during(syncVolumes(listing, { ...context, signal, ...options }));
    },
    follow(options = {}) {
      const volumes = new Map<string, FollowedVolume>();
      const vanished: VanishedVolume[] = [];
      const problems: unknown[] = [];
      const reports: SyncReport[] = [];
      const ending = new AbortController();
      const note = (followed: FollowedVolume) => {
        volumes.set(formatVolumeName(followed.known.volume), followed);
      };
      let failure: unknown;
      let isTold = false;
      const throwFailure = () => {
        if (failure === undefined || isTold) return;
        isTold = true;
        throw failure;
      };
      const following = followVolumes({
        ...context,
        source,
        intervalMs: INTERVAL_MS,
        proveEveryMs: 600_000,
        signal: ending.signal,
        onVolume(followed) {
          note(followed);
          reports.push(followed.report);
        },
        onLag: note,
        onVanished(volume) {
          vanished.push(volume);
        },
        onProblem(error) {
          problems.push(error);
        },
        ...options,
      }).catch((error: unknown) => {
        failure = error ?? new Error('it failed');
      });
      const end = async () => {
        ending.abort();
        await during(following);
        throwFailure();
      };
      onTestFinished(end);
      return {
        volumes,
        vanished,
        problems,
        reports,
        async until(isSo, withinMs = 60_000) {
          const startMs = clock.monotonicMs();
          while (!isSo()) {
            throwFailure();
            const tookMs = clock.monotonicMs() - startMs;
            expect(tookMs, 'virtual ms waited').toBeLessThan(withinMs);
            await time.advance(10);
          }
          return clock.monotonicMs() - startMs;
        },
        end,
      };
    },
    copy(volumeId) {
      const file = (ext: string) => env.disk.peek(`${DIRECTORY}/${volumeId}.${ext}`);
      return { dat: file('dat'), idx: file('idx') };
    },
    expectEqual({ volumeId, dat, idx }) {
      const copy = kit.copy(volumeId);
      expect(Buffer.compare(copy.dat, dat), `.dat of ${volumeId}`).toBe(0);
      expect(Buffer.compare(copy.idx, idx), `.idx of ${volumeId}`).toBe(0);
    },
  };
  return kit;
}

/** A volume with some needles. */
export function fill(server: StockServer, volumeId: number, needles = 3): StockVolume {
  const volume = server.volumes.get(volumeId) ?? server.allocate(volumeId);
  const first = volume.liveNeedles().length + 1;
  for (let id = first; id < first + needles; id++) volume.put(BigInt(id), new Uint8Array(2_000).fill(id));
  return volume;
}
