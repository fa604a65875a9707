import {
  assertNotServed,
  detachVolume,
  isFollowing,
  isStoreError,
  lockDirectory,
  StoreError,
} from '@holdfast/store';
import type { FlagValues } from './flags.js';
import { type LocalVolume, selectLocalVolumes } from './local-volumes.js';
import { directoryFlag, selectionFlags, selectionOf } from './sync-flags.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';

/** The flags of verbs that replace the files of volumes. */
export const offlineFlags = {
  dir: directoryFlag,
  ...selectionFlags,
  detach: {
    kind: 'switch',
    help: 'also volumes that follow a leader: what is held is kept as a former state, the next backup builds them anew',
  },
  'take-over': {
    kind: 'switch',
    help: 'also where a volume server has run; it has to be stopped',
  },
} as const;

/**
 * Gives the selected volumes, one after the other, to `work`, which may replace their files: under the directory's lock,
 * never where a server may have them open, and those that follow a leader only once they have been let go.
 */
export async function withOfflineVolumes<T>(
  flags: FlagValues<typeof offlineFlags>,
  { env, output, signal }: VerbContext,
  work: (directory: string, volume: LocalVolume) => Promise<T>,
): Promise<readonly T[]> {
  const { directory, volumes } = await selectLocalVolumes(env, flags.dir, selectionOf(flags));
  const lock = await lockDirectory(env, directory);
  try {
    if (!flags['take-over']) await assertStopped(directory);
    const following: LocalVolume[] = [];
    for (const volume of volumes) {
      if (await isFollowing(env, { directory, volume: volume.name })) following.push(volume);
    }
    if (following.length > 0 && !flags.detach) {
      const names = following.map(({ baseName }) => baseName).join(', ');
      throw new UsageError(
        `volume ${names} follows a leader, and holdfast backup keeps it as its leader has it; give --detach to do this all the same`,
      );
    }
    const results: T[] = [];
    for (const volume of volumes) {
      signal.throwIfAborted();
      if (following.includes(volume)) {
        const { name, baseName } = volume;
        const takeOver = flags['take-over'];
        await detachVolume(env, { directory, volume: name, assertLocked: () => lock.assertHeld(), takeOver });
        output.event(
          { event: 'detached', volume: baseName },
          `volume ${baseName}: follows its leader no longer; what was held is kept as a former state`,
        );
      }
      results.push(await work(directory, volume));
    }
    return results;
  } finally {
    await lock.release();
  }

  async function assertStopped(path: string): Promise<void> {
    try {
      await assertNotServed(env, path);
    } catch (cause) {
      if (!isStoreError(cause, 'directory-served')) throw cause;
      const message = `a volume server has run in ${path}, and may have its volumes open: stop it first, then say that it is`;
      throw new StoreError('directory-served', message, { path: cause.path, cause });
    }
  }
}
