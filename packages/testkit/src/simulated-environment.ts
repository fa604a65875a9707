import { crc32c, type Random } from '@holdfast/format';
import type { Host, StoreEnvironment } from '@holdfast/store';
import { createSeededRandom } from './seeded-random.js';
import {
  createSimulatedDisk,
  type SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk/index.js';
import { createSimulatedStorePorts } from './simulated-store-ports.js';
import { createVirtualTime, type VirtualTime } from './virtual-time.js';

/** A machine out of nothing but a seed: what the store takes from outside, and the means to make it fail. */
export interface SimulatedEnvironment extends StoreEnvironment {
  readonly disk: SimulatedDisk;
  readonly random: Random;
  readonly time: VirtualTime;
}

export function createSimulatedEnvironment(options: SimulatedDiskOptions): SimulatedEnvironment {
  const time = createVirtualTime();
  return {
    disk: createSimulatedDisk(options),
    clock: time.clock,
    time,
    random: createSeededRandom(options.seed + 1),
    crc32c,
    ...createSimulatedStorePorts(),
    host: createSimulatedHost(),
  };
}

/** One process on one machine, on which names can be claimed. */
function createSimulatedHost(): Host {
  const claimed = new Set<string>();
  const pid = 1000;
  return {
    pid,
    hostName: 'simulated',
    bootId: async () => 'boot-1',
    processStartTime: async (asked) => (asked === pid ? '1' : undefined),
    async claimName(name) {
      if (claimed.has(name)) return undefined;
      claimed.add(name);
      return async () => {
        claimed.delete(name);
      };
    },
  };
}
