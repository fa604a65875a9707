import { openAbsenceLedger } from '@holdfast/store';
import type { FollowVolumesOptions } from './follow-options.js';
import { createReach } from './reach.js';
import { createVolumesFollower } from './volumes-follower.js';

/**
 * Follows every volume of the source until the signal aborts: each interval one sweep a server; a volume is synced
 * when a sweep saw it change, when its proof is due, or when a failure is to be tried again. Volumes that appear are
 * followed, those that vanish are kept and reported. Nothing of a volume is open between its turns.
 */
export async function followVolumes(options: FollowVolumesOptions): Promise<void> {
  const { signal, timers, env, directory, intervalMs } = options;
  const reach = createReach(options);
  const absences = await openAbsenceLedger(env, directory);
  const follower = await createVolumesFollower(options, absences, reach);
  try {
    while (true) {
      follower.look();
      await reach.review();
      await timers.sleep(intervalMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await follower.end();
    await reach.close();
  }
}
