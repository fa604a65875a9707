import type { LeaderClient } from '@holdfast/protocol';
import type { Activity } from './activity.js';
import { limitRate } from './rate-limit.js';
import { createSessionPool } from './session-pool.js';
import type { SyncContext } from './sync-known-volume.js';

/** How turns speak to leaders: over sessions that are used again, watched, and held to the rate. */
export interface Reach {
  /** For one turn. */
  by(activity: Activity): (leader: LeaderClient) => LeaderClient;
  /** Closes sessions that have been idle for a while. */
  review(): Promise<void>;
  close(): Promise<void>;
}

export function createReach({ env, rateLimit }: Pick<SyncContext, 'env' | 'rateLimit'>): Reach {
  const sessions = createSessionPool(env.clock);
  return {
    // The limit is outermost: a turn that waits for its share of the rate does not wait for its leader.
    by: (activity) => (leader) => {
      const watched = activity.watch(sessions.reuse(leader));
      return rateLimit === undefined ? watched : limitRate(watched, rateLimit);
    },
    review: () => sessions.review(),
    close: () => sessions.close(),
  };
}
