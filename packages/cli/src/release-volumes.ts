import { releaseHeld } from '@holdfast/follower';
import { assertNotServed, isStoreError, lockDirectory, openVolumeHome, StoreError } from '@holdfast/store';
import { selectLocalVolumes } from './local-volumes.js';
import { openStatusBook } from './status-book.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';
import type { VolumeSelection } from './volume-selection.js';
import { readGenerations } from './volume-status.js';

/**
 * Gives up what is held of the selected volumes: retention decides about it from now on, and the loss guard measures by
 * what is live now. Under the directory's lock; beside a follower at work the error says what to do.
 */
export async function releaseVolumes(
  path: string,
  selection: VolumeSelection,
  context: VerbContext,
): Promise<void> {
  const { env, output } = context;
  const { directory, volumes } = await selectLocalVolumes(env, path, selection);
  const strangers = volumes.filter(({ isFollowed }) => !isFollowed).map(({ baseName }) => baseName);
  if (strangers.length > 0) {
    throw new UsageError(`volume ${strangers.join(', ')} follows no leader: nothing of it is held`);
  }
  const lock = await lockForRelease(directory, context);
  try {
    await assertNotServed(env, directory);
    await using book = await openStatusBook(context, { directory, verb: 'release' });
    for (const { name, baseName } of volumes) {
      const held = (await readGenerations(env, { directory, volume: name })).filter(
        ({ heldFor }) => heldFor !== null,
      );
      const home = await openVolumeHome(env, {
        directory,
        volume: name,
        assertLocked: () => lock.assertHeld(),
      });
      try {
        await releaseHeld(home);
      } finally {
        await home.close();
      }
      book.noteRelease(name);
      const generations = held.map(({ id }) => id);
      output.event(
        { event: 'released', id: name.volumeId, collection: name.collection, generations },
        generations.length === 0
          ? `volume ${baseName}: nothing was held`
          : `volume ${baseName}: released; generation ${generations.join(', ')} stays as long as --keep-for and --keep-generations say`,
      );
    }
  } finally {
    await lock.release();
  }
}

async function lockForRelease(directory: string, { env }: VerbContext) {
  try {
    return await lockDirectory(env, directory);
  } catch (cause) {
    if (!isStoreError(cause, 'locked')) throw cause;
    const message = `${cause.message}. To release, end it (SIGTERM), release, and start it again: nothing that is held goes away meanwhile`;
    throw new StoreError('locked', message, { path: directory, cause });
  }
}
