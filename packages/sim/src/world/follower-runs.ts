import {
  followVolumes,
  type SyncContext,
  type SyncReport,
  syncVolumes,
  type VolumeListing,
} from '@holdfast/follower';
import type { Timers } from '@holdfast/format';
import { assertNotServed, bindCluster, lockDirectory, type StoreEnvironment } from '@holdfast/store';
import type { World } from '../schedule/schedule.js';
import { policyOf } from './follower-policy.js';
import type { SimulatedLeader } from './simulated-leader.js';

/** The follower's directory. */
export const DIRECTORY = '/copy';

const INTERVAL_MS = 1000;
const PROVE_EVERY_MS = 20_000;

/** What one process of the command line does, composed as the command line composes it. */
export interface FollowerRun {
  readonly world: World;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly leader: SimulatedLeader;
  readonly onReport: (report: SyncReport) => Promise<void>;
  /** Whether it has the directory's lock now. */
  readonly onLock: (isHeld: boolean) => void;
}

/** `backup`: the lock, the binding, one sync of every volume. */
export async function backup(run: FollowerRun): Promise<void> {
  await inDirectory(run, async (context) => {
    const { signal } = new AbortController();
    await syncVolumes(listingOf(run), { ...context, signal, onReport: run.onReport });
  });
}

/** `follow`, until so much time has passed. */
export async function follow(run: FollowerRun, forMs: number): Promise<void> {
  const listing = listingOf(run);
  const ending = new AbortController();
  const ended = run.timers.sleep(forMs).then(() => ending.abort());
  await inDirectory(run, (context) =>
    followVolumes({
      ...context,
      source: { list: async () => listing, selects: () => true },
      intervalMs: INTERVAL_MS,
      proveEveryMs: PROVE_EVERY_MS,
      signal: ending.signal,
      onVolume: ({ report }) => run.onReport(report),
      onLag() {},
      onVanished() {},
      onProblem() {},
    }),
  );
  await ended;
}

/** With the directory taken as every verb that writes takes it. */
async function inDirectory(
  { env, timers, world, onLock }: FollowerRun,
  use: (context: SyncContext) => Promise<void>,
): Promise<void> {
  const lock = await lockDirectory(env, DIRECTORY);
  onLock(true);
  try {
    await assertNotServed(env, DIRECTORY);
    await bindCluster(env, DIRECTORY, 'simulated');
    await use({
      directory: DIRECTORY,
      env,
      timers,
      policy: policyOf(world),
      takeOver: false,
      assertLocked: () => lock.assertHeld(),
      onProgress() {},
    });
  } finally {
    onLock(false);
    await lock.release();
  }
}

function listingOf({ world, leader, env, timers }: FollowerRun): VolumeListing {
  const client = leader.clientFor({ env, timers });
  const location = { server: leader.serverName, leader: client };
  return {
    volumes: world.volumeIds.map((volumeId) => ({
      volume: { volumeId, collection: '' },
      locations: [location],
      unsupported: undefined,
    })),
    servers: new Map([[leader.serverName, client]]),
    clusterVolumeCount: world.volumeIds.length,
  };
}
