import type { LeaderState, SimulatedLeader } from '../world/simulated-leader.js';

/** Every state that a volume of each leader has been in, in order. */
export interface LeaderLog {
  /** Looks at the leaders: to be called after everything that may have changed one. */
  look(): void;
  /** States of one leader's copy of a volume, oldest first. */
  statesOf(volumeId: number, server: string): readonly LeaderState[];
  /** Those of all leaders, one leader after the other. */
  allStatesOf(volumeId: number): readonly LeaderState[];
  /** Where it stands: gives for each copy which of its states is the present one. */
  mark(): LogMark;
}

/** The index of the state that was the last one when it was made; 0 where there was none. */
export type LogMark = (volumeId: number, server: string) => number;

export function createLeaderLog(
  leaders: readonly SimulatedLeader[],
  volumeIds: readonly number[],
): LeaderLog {
  const logs = new Map(
    leaders.map(({ serverName }) => [
      serverName,
      new Map<number, LeaderState[]>(volumeIds.map((id) => [id, []])),
    ]),
  );
  const statesOf = (volumeId: number, server: string) => logs.get(server)?.get(volumeId) ?? [];

  return {
    look() {
      for (const leader of leaders)
        for (const [volumeId, states] of logs.get(leader.serverName) ?? []) {
          const state = leader.state(volumeId);
          if (state !== undefined && state !== states.at(-1)) states.push(state);
        }
    },
    statesOf,
    allStatesOf: (volumeId) => [...logs.values()].flatMap((volumes) => volumes.get(volumeId) ?? []),
    mark() {
      const counts = new Map(
        [...logs].map(([server, volumes]) => [
          server,
          new Map([...volumes].map(([volumeId, { length }]) => [volumeId, length])),
        ]),
      );
      return (volumeId, server) => Math.max(0, (counts.get(server)?.get(volumeId) ?? 0) - 1);
    },
  };
}
