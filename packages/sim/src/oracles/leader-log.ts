import type { LeaderState, SimulatedLeader } from '../world/simulated-leader.js';

/** Every state that a volume of the leader has been in, in order. */
export interface LeaderLog {
  /** Looks at the leader: to be called after everything that may have changed it. */
  look(): void;
  /** States of a volume, oldest first. */
  statesOf(volumeId: number): readonly LeaderState[];
}

export function createLeaderLog(leader: SimulatedLeader, volumeIds: readonly number[]): LeaderLog {
  const logs = new Map<number, LeaderState[]>(volumeIds.map((id) => [id, []]));
  return {
    look() {
      for (const [volumeId, states] of logs) {
        const state = leader.state(volumeId);
        if (state !== undefined && state !== states.at(-1)) states.push(state);
      }
    },
    statesOf: (volumeId) => logs.get(volumeId) ?? [],
  };
}
