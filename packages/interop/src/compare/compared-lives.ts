import { stat, truncate } from 'node:fs/promises';
import { type LifeStep, tableLives } from '../table-lives.js';
import type { TcpProxy } from '../tcp-proxy.js';
import type { WeedCluster } from '../weed-cluster.js';
import type { WeedAllocateOptions, WeedVolumeServer } from '../weed-volume-server.js';

/** Where a life is lived: two real servers, the first of them behind a proxy. */
export interface World {
  readonly cluster: WeedCluster;
  readonly server: WeedVolumeServer;
  readonly grpc: TcpProxy;
  readonly other: WeedVolumeServer;
  readonly volumeId: number;
  /** The backup's own files. */
  readonly directory: string;
}

/** What happens before a backup runs, and while it does. */
export interface ComparedStep {
  act(world: World): Promise<void>;
  /** When so much of the leader has come. Then the copy is judged after the next step only. */
  readonly meanwhile?: { readonly afterBytes: number; act(world: World): Promise<void> };
  /** Whose copy of the volume counts after the step. Default: the first server's. */
  leader?(world: World): WeedVolumeServer;
}

export interface ComparedLife {
  readonly name: string;
  readonly allocate?: WeedAllocateOptions;
  readonly steps: readonly ComparedStep[];
  /** Further flags of `holdfast backup`. */
  readonly holdfastFlags?: readonly string[];
}

const MiB = 1024 * 1024;
const LARGE_MIB = 24;
/** Slow enough that something can happen in the middle of a copy. */
const SLOW_BYTES_PER_SECOND = 16 * MiB;
const TORN_BYTES = 20;

const nothing: ComparedStep = { act: async () => {} };

const putMebibytes = async ({ server, volumeId }: World, from: number, to: number): Promise<void> => {
  for (let id = from; id <= to; id++) await server.put(volumeId, BigInt(id), new Uint8Array(MiB).fill(id));
};

const onTheFirst =
  (step: LifeStep): ComparedStep['act'] =>
  ({ server, volumeId }) =>
    step(server, volumeId);

const large: ComparedStep['act'] = async (world) => {
  await putMebibytes(world, 1, LARGE_MIB);
  world.grpc.throttle(SLOW_BYTES_PER_SECOND);
};

const asReplica = { query: { type: 'replicate' } };

/** To one of two replicas only, as a server that passes on what it got. */
const putOn = async (on: WeedVolumeServer, volumeId: number, ids: readonly number[]): Promise<void> => {
  for (const id of ids) await on.put(volumeId, BigInt(id), new Uint8Array(1000 + id).fill(id), asReplica);
};

const FROM_TABLE = [
  'delete, vacuum, append',
  'overwrite, vacuum, append',
  'overwrite, vacuum, nothing',
  'a copy longer than its leader',
  'writes during a vacuum',
  'made anew under its id, longer',
  'made anew under its id, equally long',
  'empty files',
  'version 1',
  'version 2',
];

const WITH_MORE: readonly ComparedLife[] = [
  {
    name: 'a torn last needle after a crash',
    steps: [
      { act: onTheFirst(putText(1, 8)) },
      {
        async act(world) {
          const { size } = await stat(datOf(world));
          await truncate(datOf(world), size - TORN_BYTES);
          await putText(9, 12)(world.server, world.volumeId);
        },
      },
      nothing,
    ],
  },
  {
    name: 'writes while a copy streams',
    steps: [
      {
        act: large,
        meanwhile: { afterBytes: LARGE_MIB * 0.4 * MiB, act: (world) => putMebibytes(world, 31, 36) },
      },
      { act: async ({ grpc }) => grpc.throttle(undefined) },
      { act: onTheFirst(putText(41, 42)) },
    ],
  },
  {
    name: 'a vacuum commits while a copy streams',
    steps: [
      {
        async act(world) {
          await large(world);
          await putMebibytes(world, 1, 3);
          await world.server.delete(world.volumeId, 4n);
        },
        meanwhile: {
          afterBytes: LARGE_MIB * 0.4 * MiB,
          async act({ server, volumeId }) {
            await server.vacuum(volumeId);
          },
        },
      },
      { act: async ({ grpc }) => grpc.throttle(undefined) },
      { act: onTheFirst(putText(41, 42)) },
    ],
  },
  {
    name: 'another replica answers',
    allocate: { replication: '001' },
    holdfastFlags: ['--failover-after', '0s'],
    steps: [
      {
        async act({ server, other, volumeId, cluster }) {
          await other.allocate(volumeId, { replication: '001' });
          await putOn(server, volumeId, [1, 2, 3, 4, 5]);
          await putOn(other, volumeId, [5, 4, 3, 2, 1]);
          await other.stop();
          await cluster.waitForCopies(volumeId, [server]);
        },
      },
      {
        async act({ server, other, volumeId, cluster }) {
          await other.start();
          await server.stop();
          await putOn(other, volumeId, [6, 7, 8]);
          await cluster.waitForCopies(volumeId, [other]);
        },
        leader: ({ other }) => other,
      },
    ],
  },
];

/** The table of lives that `weed backup` gets wrong, each in steps with a backup after every one. */
export const comparedLives: readonly ComparedLife[] = [
  ...tableLives
    .filter(({ name }) => FROM_TABLE.includes(name))
    .map(({ steps, ...life }) => ({
      ...life,
      steps: [...steps.map((step) => ({ act: onTheFirst(step) })), nothing],
    })),
  ...WITH_MORE,
];

function putText(from: number, to: number): LifeStep {
  return async (server, volumeId) => {
    for (let id = from; id <= to; id++)
      await server.put(volumeId, BigInt(id), new TextEncoder().encode(`needle ${id} `.repeat(id)));
  };
}

function datOf({ directory, volumeId }: World): string {
  return `${directory}/${volumeId}.dat`;
}
