import { copyFile, rm } from 'node:fs/promises';
import type { Random } from '@holdfast/format';
import type { LifeOperation } from '@holdfast/testkit';
import { waitUntil } from './wait-until.js';
import type { WeedCluster } from './weed-cluster.js';
import { liveOutOnWeed } from './weed-life.js';
import type { WeedVolumeServer } from './weed-volume-server.js';

/** What can become of the copies of a volume and of their servers. */
export type Disturbance = 'stopped' | 'started' | 'moved' | 'nothing';

/**
 * A volume of replication 001 on two servers of a real cluster that has one more. What is lived out happens to both
 * copies, to each in its own way: a write is passed on by the server that got it, or reaches one copy only; compactions
 * are each copy's own.
 */
export interface ReplicatedVolume {
  /** The servers that have a copy now and are up. */
  readonly reachable: readonly WeedVolumeServer[];
  isUp(server: WeedVolumeServer): boolean;
  liveOut(operation: LifeOperation): Promise<void>;
  /** Perhaps a server stops or starts, or a copy moves by its files and a mount; the master knows when this ends. */
  disturb(): Promise<Disturbance>;
  /** Starts what is stopped. */
  startAll(): Promise<void>;
}

export async function allocateReplicated(
  cluster: WeedCluster,
  volumeId: number,
  random: Random,
): Promise<ReplicatedVolume> {
  let homes: readonly WeedVolumeServer[] = cluster.servers.slice(0, 2);
  let stopped: WeedVolumeServer | undefined;
  /** Servers remember where a volume's copies are: after a move the one that gets a write passes it to the wrong place. */
  let isPassedOn = true;
  let compacting: readonly WeedVolumeServer[] = [];

  const reachable = () => homes.filter((home) => home !== stopped);
  const any = <T>(of: readonly T[]): T => of[Math.floor(random.nextFloat() * of.length)]!;
  const happens = (probability: number): boolean => random.nextFloat() < probability;

  async function allocate(on: readonly WeedVolumeServer[]): Promise<void> {
    for (const server of on) await server.allocate(volumeId, { replication: '001' });
    await settled();
  }

  async function settled(): Promise<void> {
    const expected = new Set(reachable().map((home) => home.httpAddress));
    await waitUntil(`volume ${volumeId} on ${[...expected]}`, async () => {
      const found = await cluster.lookUp(volumeId);
      return found.length === expected.size && found.every((address) => expected.has(address));
    });
  }

  async function write(operation: LifeOperation & { kind: 'put' | 'delete' }): Promise<void> {
    const up = reachable();
    if (isPassedOn && up.length === 2 && happens(0.8))
      return await liveOutOnWeed(any(up), volumeId, operation);
    const reached = up.length === 2 && happens(0.3) ? [any(up)] : up;
    for (const home of reached) await liveOutOnWeed(home, volumeId, operation, { isReplica: true });
  }

  async function stop(server: WeedVolumeServer): Promise<void> {
    stopped = server;
    await server.stop();
    await settled();
  }

  async function startAll(): Promise<void> {
    const server = stopped;
    stopped = undefined;
    await server?.start();
    await settled();
  }

  async function move(from: WeedVolumeServer, to: WeedVolumeServer): Promise<void> {
    await from.unmount(volumeId);
    for (const ext of ['dat', 'idx', 'vif']) {
      const path = `${from.dataDirectory}/${volumeId}.${ext}`;
      await copyFile(path, `${to.dataDirectory}/${volumeId}.${ext}`);
      await rm(path);
    }
    await to.mount(volumeId);
    homes = homes.map((home) => (home === from ? to : home));
    isPassedOn = false;
    await settled();
  }

  await allocate(homes);
  return {
    get reachable() {
      return reachable();
    },
    isUp: (server) => server !== stopped,
    async liveOut(operation) {
      switch (operation.kind) {
        case 'put':
        case 'delete':
          return await write(operation);
        case 'compact': {
          const chosen = happens(0.5) ? reachable() : [any(reachable())];
          // One that begins on an empty index cannot commit once something is written.
          const sizes = await Promise.all(chosen.map((home) => home.readFile(volumeId, '.idx')));
          compacting = chosen.filter((_, i) => sizes[i]!.length > 0);
          for (const home of compacting) await liveOutOnWeed(home, volumeId, operation);
          return;
        }
        case 'commit':
          for (const home of compacting) await liveOutOnWeed(home, volumeId, operation);
          compacting = [];
          return;
        case 'restart':
          await liveOutOnWeed(any(reachable()), volumeId, operation);
          return await settled();
        case 'remake':
          // One that is stopped keeps what it had.
          for (const home of reachable()) await home.deleteVolume(volumeId);
          return await allocate(reachable());
        case 'sync':
      }
    },
    async disturb() {
      if (stopped !== undefined && happens(0.6)) {
        await startAll();
        return 'started';
      }
      if (stopped === undefined && happens(0.35)) {
        await stop(any(homes));
        return 'stopped';
      }
      const spare = cluster.servers.find((server) => server !== stopped && !homes.includes(server));
      if (spare === undefined || happens(0.5)) return 'nothing';
      await move(any(reachable()), spare);
      return 'moved';
    },
    startAll,
  };
}
