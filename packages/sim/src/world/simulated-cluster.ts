import type { KnownVolume, VolumeListing } from '@holdfast/follower';
import type { SimulatedProcess } from '@holdfast/testkit';
import type { OffsetWidth } from '../oracles/second-reader.js';
import type { LeaderEvent } from '../schedule/schedule.js';
import type { SimulatedLeader } from './simulated-leader.js';

/** Servers with a copy of every volume each, and what a master would say of them. */
export interface SimulatedCluster {
  readonly leaders: readonly SimulatedLeader[];
  readonly offsetWidth: OffsetWidth;
  start(): Promise<void>;
  /** Lets something happen: a write on every server that is up, anything else on the one that it names. False: nowhere. */
  apply(event: LeaderEvent): Promise<boolean>;
  /** Resolves when nothing of what was applied is under way any more. */
  settled(): Promise<void>;
  isUp(server: string): boolean;
  /** Whether the server has the volume, up or not. */
  has(server: string, volumeId: number): boolean;
  /** How a process asks the master, over clients of its own. */
  masterFor(process: Pick<SimulatedProcess, 'env' | 'timers'>): () => VolumeListing;
  /** Throws where a call has ended a process that would have ended the real one. */
  assertAlive(): void;
}

export interface SimulatedClusterOptions {
  readonly leaders: readonly SimulatedLeader[];
  readonly volumeIds: readonly number[];
  readonly collection: string;
}

/** There are volumes that nobody selects, so that those that are gone are gone from a cluster. */
const OTHER_VOLUMES = 3;

export function createSimulatedCluster(options: SimulatedClusterOptions): SimulatedCluster {
  const { leaders, volumeIds, collection } = options;
  /** Servers that are down, and whether the master still counts them as alive. */
  const down = new Map<string, { readonly isListed: boolean }>();
  const isUp = (server: string): boolean => !down.has(server);
  const has = (server: string, volumeId: number): boolean =>
    leaders.some((leader) => leader.serverName === server && leader.state(volumeId) !== undefined);

  async function applyTo(leader: SimulatedLeader, event: LeaderEvent): Promise<boolean> {
    const { serverName } = leader;
    const isRestart = event.do === 'restart-leader' || event.do === 'crash-leader';
    if (!isUp(serverName) && !isRestart) return false;
    if (event.do === 'leader-down') down.set(serverName, event);
    const hasHappened = await leader.apply(event);
    if (isRestart) down.delete(serverName);
    return hasHappened;
  }

  return {
    leaders,
    offsetWidth: leaders[0]!.offsetWidth,
    async start() {
      for (const leader of leaders) await leader.start();
    },
    async apply(event) {
      const isWrite = event.do === 'put' || event.do === 'delete';
      const one = leaders[event.server ?? 0];
      const named = isWrite ? leaders : one === undefined ? [] : [one];
      let hasHappened = false;
      for (const leader of named) if (await applyTo(leader, event)) hasHappened = true;
      return hasHappened;
    },
    async settled() {
      for (const leader of leaders) await leader.settled();
    },
    isUp,
    has,
    masterFor(process) {
      const locations = leaders.map((leader) => ({
        server: leader.serverName,
        leader: leader.clientFor(process),
      }));
      return () => {
        const listed = locations.filter(({ server }) => down.get(server)?.isListed ?? true);
        const volumes = volumeIds
          .map(
            (volumeId): KnownVolume => ({
              volume: { volumeId, collection },
              locations: listed.filter(({ server }) => has(server, volumeId)),
              unsupported: undefined,
            }),
          )
          .filter(({ locations: known }) => known.length > 0);
        return {
          volumes,
          servers: new Map(listed.map(({ server, leader }) => [server, leader])),
          clusterVolumeCount: volumes.length + OTHER_VOLUMES,
        };
      };
    },
    assertAlive() {
      for (const leader of leaders) leader.assertAlive();
    },
  };
}
