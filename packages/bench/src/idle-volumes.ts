import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWeedCluster, type WeedVolumeServer } from '@holdfast/interop';
import { startHoldfast } from './holdfast-command.js';
import { cpuSeconds, memoryOf } from './process-cost.js';

const NEEDLES = 3;
/** A follower makes its first record of all volumes a minute after the first copy: no part of idling. */
const FIRST_RECORD_MS = 75_000;

export interface IdleVolumesOptions {
  readonly volumes: number;
  readonly seconds: number;
}

export interface IdleCost {
  /** Of one core, 0 to 1. */
  readonly cpuShare: number;
  /** Resident at the end of the watch, and at most since the start. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** From the start until each volume was copied. */
  readonly firstCopySeconds: number;
}

/** What `holdfast follow` costs, with its defaults, on volumes of a real server that nobody writes to. */
export async function measureIdleVolumes({ volumes, seconds }: IdleVolumesOptions): Promise<IdleCost> {
  const cluster = await startWeedCluster({ volumeServerArgs: [`-max=${volumes + 10}`] });
  try {
    const server = cluster.servers[0]!;
    for (let id = 1; id <= volumes; id++) await fillVolume(server, id);
    for (let id = 1; id <= volumes; id++) await cluster.waitForVolume(id);
    const directory = join(cluster.directory, 'copy');
    await mkdir(directory);
    const args = ['follow', '--master', cluster.masterAddress, '--dir', directory, '--json'];
    const follower = startHoldfast(args);
    try {
      const startedAtMs = performance.now();
      await copied(follower, volumes);
      const firstCopySeconds = (performance.now() - startedAtMs) / 1000;
      // The sweeps behind the copies, a collection of what they left, and the run's record of them.
      await sleep(Math.max(10_000, FIRST_RECORD_MS - firstCopySeconds * 1000));
      const before = cpuSeconds(follower.pid!);
      await sleep(seconds * 1000);
      const used = cpuSeconds(follower.pid!) - before;
      const memory = memoryOf(follower.pid!);
      return { cpuShare: used / seconds, ...memory, firstCopySeconds };
    } finally {
      follower.kill('SIGTERM');
      await once(follower, 'close');
    }
  } finally {
    await cluster.stop();
  }
}

async function fillVolume(server: WeedVolumeServer, volumeId: number): Promise<void> {
  await server.allocate(volumeId);
  for (let needle = 1; needle <= NEEDLES; needle++) {
    await server.put(volumeId, BigInt(needle), new TextEncoder().encode(`needle ${needle} of ${volumeId}`));
  }
}

async function copied(follower: ReturnType<typeof startHoldfast>, volumes: number): Promise<void> {
  const done = new Set<number>();
  for await (const line of createInterface({ input: follower.stdout })) {
    const event = JSON.parse(line) as {
      readonly event?: string;
      readonly id?: number;
      readonly ok?: boolean;
    };
    if (event.event === 'volume' && event.ok) done.add(event.id!);
    if (done.size === volumes) break;
  }
  if (done.size < volumes)
    throw new Error(`the follower ended with ${done.size} of ${volumes} volumes copied`);
  // Nobody reads on: what it says from now on must not fill the pipe.
  follower.stdout.resume();
}
