import { type SyncReport, syncVolumes, type VolumeListing } from '@holdfast/follower';
import type { Timers } from '@holdfast/format';
import { assertNotServed, bindCluster, lockDirectory, type StoreEnvironment } from '@holdfast/store';
import type { World } from '../schedule/schedule.js';
import { policyOf } from './follower-policy.js';
import type { SimulatedLeader } from './simulated-leader.js';

/** The follower's directory. */
export const DIRECTORY = '/copy';

/** What one process of the command line does, composed as the command line composes it. */
export interface FollowerRun {
  readonly world: World;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly leader: SimulatedLeader;
  readonly onReport: (report: SyncReport) => Promise<void>;
}

/** `backup`: the lock, the binding, one sync of every volume. */
export async function backup(run: FollowerRun): Promise<readonly SyncReport[]> {
  const { env, timers, world, onReport } = run;
  const lock = await lockDirectory(env, DIRECTORY);
  try {
    await assertNotServed(env, DIRECTORY);
    await bindCluster(env, DIRECTORY, 'simulated');
    return await syncVolumes(listingOf(run), {
      directory: DIRECTORY,
      env,
      timers,
      policy: policyOf(world),
      takeOver: false,
      assertLocked: () => lock.assertHeld(),
      onProgress: () => {},
      signal: new AbortController().signal,
      onReport,
    });
  } finally {
    await lock.release();
  }
}

export function listingOf({ world, leader, env, timers }: FollowerRun): VolumeListing {
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
