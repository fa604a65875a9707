import { createVirtualTime, type SimulatedDisk, type StockVolume, type VirtualTime } from '@holdfast/testkit';
import { expect } from 'vitest';
import { createSyncKit, type SyncKit, type SyncKitOptions, VOLUME_ID } from './sync-kit.js';

/** Where volumes are restored to: it is there, and empty. */
export const OUT = '/out';

/** A leader with an empty volume and a follower on a simulated disk, both by a clock that stands still between steps. */
export interface TimedKit<Disk extends SimulatedDisk = SimulatedDisk> {
  readonly kit: SyncKit;
  readonly disk: Disk;
  readonly time: VirtualTime;
  readonly volume: StockVolume;
  /** Changes the leader, a second later, and syncs; gives the instant. */
  step(change?: () => void): Promise<bigint>;
}

export async function createTimedKit<Disk extends SimulatedDisk>(
  disk: Disk,
  options: Pick<SyncKitOptions, 'policy'> = {},
): Promise<TimedKit<Disk>> {
  const time = createVirtualTime();
  const { clock } = time;
  const kit = await createSyncKit({ disk, clock, nowNs: clock.nowNs, ...options });
  disk.plant(`${OUT}/.keep`, new Uint8Array(0));
  return {
    kit,
    disk,
    time,
    volume: kit.server.allocate(VOLUME_ID),
    async step(change = () => {}) {
      await time.advance(1000);
      change();
      expect(await kit.sync()).toMatchObject({ ok: true });
      return clock.nowNs();
    },
  };
}
