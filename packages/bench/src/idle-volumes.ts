import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWeedCluster, type WeedVolumeServer } from '@holdfast/interop';
import { startHoldfast } from './holdfast-command.js';
import { cpuSeconds, memoryOf } from './process-cost.js';

const NEEDLES = 3;
const RECORD_LIMIT_MS = 300_000;
const SETTLE_MS = 10_000;

export interface IdleVolumesOptions {
  readonly volumes: number;
  readonly seconds: number;
}

export interface IdleCost {
  /** Of one core, 0 to 1. */
  readonly cpuShare: number;
  /** How many volumes were proved meanwhile. */
  readonly proofs: number;
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
      const reports = reportsOf(follower);
      while (reports.good.size < volumes) await sleep(100);
      const firstCopySeconds = (performance.now() - startedAtMs) / 1000;
      // The run's record of the copies is no part of idling, nor are the sweeps behind them and what they left to collect.
      await allRecorded(directory, volumes);
      await sleep(SETTLE_MS);
      const before = { cpu: cpuSeconds(follower.pid!), reports: reports.count };
      await sleep(seconds * 1000);
      const used = cpuSeconds(follower.pid!) - before.cpu;
      const proofs = reports.count - before.reports;
      return { cpuShare: used / seconds, proofs, ...memoryOf(follower.pid!), firstCopySeconds };
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

interface Reports {
  readonly good: ReadonlySet<number>;
  readonly count: number;
}

/** What the follower says of its volumes, as it says it. */
function reportsOf(follower: ReturnType<typeof startHoldfast>): Reports {
  const good = new Set<number>();
  const reports = { good, count: 0 };
  createInterface({ input: follower.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as {
      readonly event?: string;
      readonly id?: number;
      readonly ok?: boolean;
    };
    if (event.event !== 'volume') return;
    reports.count++;
    if (event.ok) good.add(event.id!);
  });
  return reports;
}

/** Waits for a record of the run that has every volume as it was copied. */
async function allRecorded(directory: string, volumes: number): Promise<void> {
  const runs = join(directory, '.holdfast', 'runs');
  const untilMs = performance.now() + RECORD_LIMIT_MS;
  while (performance.now() < untilMs) {
    const [last] = (await readdir(runs).catch(() => []))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .reverse();
    if (last !== undefined && heldIn(await readFile(join(runs, last), 'utf8')) === volumes) return;
    await sleep(500);
  }
  throw new Error(`no record of all ${volumes} volumes within ${RECORD_LIMIT_MS / 1000} s`);
}

function heldIn(record: string): number {
  const { volumes } = JSON.parse(record) as {
    readonly volumes: Readonly<Record<string, { readonly held: unknown }>>;
  };
  return Object.values(volumes).filter(({ held }) => held !== null).length;
}
