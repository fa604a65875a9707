import {
  createVanishWatch,
  followVolumes,
  releaseHeld,
  type SyncContext,
  type SyncReport,
  syncVolumes,
  type VanishedVolume,
  type VolumeListing,
} from '@holdfast/follower';
import type { Timers, VolumeName } from '@holdfast/format';
import {
  assertNotServed,
  bindCluster,
  listVolumeHomes,
  lockDirectory,
  openAbsenceLedger,
  openVolumeHome,
  type StoreEnvironment,
} from '@holdfast/store';
import type { World } from '../schedule/schedule.js';
import { policyOf } from './follower-policy.js';

/** The follower's directory. */
export const DIRECTORY = '/copy';

const INTERVAL_MS = 1000;
const PROVE_EVERY_MS = 20_000;

/** What one process of the command line does, composed as the command line composes it. */
export interface FollowerRun {
  readonly world: World;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  /** What the master says now. */
  readonly list: () => VolumeListing;
  readonly onReport: (report: SyncReport) => Promise<void>;
  readonly onVanished: (vanished: VanishedVolume) => void;
  /** Whether it has the directory's lock now. */
  readonly onLock: (isHeld: boolean) => void;
}

/** `backup`: the lock, the binding, one sync of every volume, and what is to become of those that have vanished. */
export async function backup(run: FollowerRun): Promise<void> {
  const { env, world, onReport } = run;
  const listing = run.list();
  await inDirectory(run, async (context) => {
    const { signal } = new AbortController();
    await syncVolumes(listing, { ...context, signal, onReport });
    // Here, and not before, so that moments of older schedules stay where they were.
    const held = await listVolumeHomes(env, DIRECTORY);
    const watch = createVanishWatch({
      ...context,
      source: { list: async () => listing, selects: () => true },
      absences: await openAbsenceLedger(env, DIRECTORY),
      pruneAfterMs: world.pruneAfterMs ?? undefined,
    });
    for (const vanished of await watch.judge(listing, held)) run.onVanished(vanished);
  });
}

/** `follow`, until so much time has passed. */
export async function follow(run: FollowerRun, forMs: number): Promise<void> {
  const ending = new AbortController();
  const ended = run.timers.sleep(forMs).then(() => ending.abort());
  await inDirectory(run, (context) =>
    followVolumes({
      ...context,
      source: { list: async () => run.list(), selects: () => true },
      intervalMs: INTERVAL_MS,
      proveEveryMs: PROVE_EVERY_MS,
      pruneAfterMs: run.world.pruneAfterMs ?? undefined,
      signal: ending.signal,
      onVolume: ({ report, hasVanished }) => (hasVanished ? undefined : run.onReport(report)),
      onLag() {},
      onVanished: run.onVanished,
      onProblem() {},
    }),
  );
  await ended;
}

/** `status --release`: what is held of a volume is held no more. */
export async function release(run: FollowerRun, volume: VolumeName): Promise<void> {
  await inDirectory(run, async ({ assertLocked }) => {
    const home = await openVolumeHome(run.env, { directory: DIRECTORY, volume, assertLocked });
    try {
      await releaseHeld(home);
    } finally {
      await home.close();
    }
  });
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
      failoverAfterMs: world.failoverAfterMs ?? undefined,
      onProgress() {},
    });
  } finally {
    onLock(false);
    await lock.release();
  }
}
