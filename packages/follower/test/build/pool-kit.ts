import {
  createSeededRandom,
  createSimulatedDisk,
  createVirtualTime,
  type SimulatedDisk,
  type StockVolume,
} from '@holdfast/testkit';
import { createSyncKit, type SyncKit, type SyncKitOptions, VOLUME_ID } from '../sync-kit.js';

export const NEEDLES = 40;
export const NEEDLE_BYTES = 10_000;

export interface PoolKit extends SyncKit {
  readonly disk: SimulatedDisk;
  readonly volume: StockVolume;
  /** Where the copy's file is. */
  path(ext: 'dat' | 'idx'): string;
}

/** A leader with 40 needles of 10 kB, and a copy of it. How fast the machine is weighs in no plan: the clock stands still. */
export async function createPoolKit(
  options: SyncKitOptions & { version?: 1 | 2 | 3; disk?: SimulatedDisk } = {},
): Promise<PoolKit> {
  const disk = options.disk ?? createSimulatedDisk({ seed: 5 });
  const kit = await createSyncKit({ messageBytes: 8192, clock: createVirtualTime().clock, ...options, disk });
  const volume = kit.server.allocate(VOLUME_ID, options.version ? { version: options.version } : {});
  if (options.version) volume.remount();
  fill(volume, 1, NEEDLES);
  await kit.syncAndCompare('at first');
  return { ...kit, disk, volume, path: (ext) => `${kit.directory}/${VOLUME_ID}.${ext}` };
}

/** Needles whose data tell them apart, and their `seed`s too. */
export function fill(
  volume: StockVolume,
  from: number,
  to: number,
  seed = 0,
  needleBytes = NEEDLE_BYTES,
): void {
  for (let id = from; id <= to; id++)
    volume.put(BigInt(id), createSeededRandom(1000 * seed + id).bytes(needleBytes));
}

/** 2 of 40 are gone, 1 is another: nearly everything is in the pool. */
export function changeAndVacuum(volume: StockVolume, seed = 1): void {
  volume.delete(7n);
  volume.delete(21n);
  fill(volume, 11, 11, seed);
  volume.vacuum();
}
