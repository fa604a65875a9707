import { once } from 'node:events';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@holdfast/format';
import { startWeedCluster, type WeedVolumeServer } from '@holdfast/interop';
import { createSeededRandom } from '@holdfast/testkit';
import { startHoldfast } from './holdfast-command.js';
import { cpuSeconds, memoryOf } from './process-cost.js';

const NEEDLES = 20;
const GREATEST_NEEDLE_BYTES = 16 * 1024;
/** Of the changes: deletions, and compactions; the rest are writes, of new needles and over old ones. */
const DELETIONS = 0.2;
const COMPACTIONS = 0.01;
const CONVERGES_WITHIN_MS = 120_000;

export interface ChangingVolumesOptions {
  readonly volumes: number;
  readonly seconds: number;
  readonly changesPerSecond: number;
  readonly seed: number;
}

export interface ChangingCost {
  readonly changes: number;
  readonly compactions: number;
  /** From a write's answer until the follower said that it has it, durable. Sorted. */
  readonly lagsMs: readonly number[];
  /** From the last change until every copy was its leader's, byte for byte. */
  readonly convergedSeconds: number;
  readonly cpuShare: number;
  readonly peakBytes: number;
}

/** A change that the follower has not told of yet. */
interface Probe {
  readonly writtenAtMs: number;
  readonly datSizeBytes: number;
}

/**
 * `holdfast follow`, with its defaults, over volumes of one real server that are written to, deleted from and compacted
 * all the time. Throws where a copy is not its leader's at the end.
 */
export async function measureChangingVolumes(options: ChangingVolumesOptions): Promise<ChangingCost> {
  const { volumes, seconds, changesPerSecond, seed } = options;
  const random = createSeededRandom(seed);
  const cluster = await startWeedCluster({ volumeServerArgs: [`-max=${volumes + 10}`] });
  try {
    const server = cluster.servers[0]!;
    for (let id = 1; id <= volumes; id++) await fillVolume(server, id, random);
    await cluster.waitForVolume(volumes);
    const directory = join(cluster.directory, 'copy');
    await mkdir(directory);
    const args = ['follow', '--master', cluster.masterAddress, '--dir', directory, '--json'];
    const follower = startHoldfast(args);
    const watch = watchFollower(follower.stdout);
    try {
      await watch.copied(volumes);
      const usedBefore = cpuSeconds(follower.pid!);
      const startedAtMs = performance.now();
      let [changes, compactions] = [0, 0];
      while (performance.now() - startedAtMs < seconds * 1000) {
        const id = 1 + Math.floor(random.nextFloat() * volumes);
        if (random.nextFloat() < COMPACTIONS) {
          // What is compacted away can never be told of.
          watch.forget(id);
          await server.vacuum(id);
          compactions++;
        } else {
          const before = await datSizeOf(server, id);
          await change(server, id, random);
          const datSizeBytes = await datSizeOf(server, id);
          // To delete what is not there changes nothing.
          if (datSizeBytes > before) watch.expect(id, { writtenAtMs: performance.now(), datSizeBytes });
        }
        changes++;
        await sleep(startedAtMs + (changes * 1000) / changesPerSecond - performance.now());
      }
      const cpuShare = (cpuSeconds(follower.pid!) - usedBefore) / ((performance.now() - startedAtMs) / 1000);
      const endedAtMs = performance.now();
      await converged(server, directory, volumes);
      const convergedSeconds = (performance.now() - endedAtMs) / 1000;
      const lagsMs = watch.lagsMs.toSorted((a, b) => a - b);
      return { changes, compactions, lagsMs, convergedSeconds, cpuShare, ...memoryOf(follower.pid!) };
    } finally {
      follower.kill('SIGTERM');
      await once(follower, 'close');
    }
  } finally {
    await cluster.stop();
  }
}

async function fillVolume(server: WeedVolumeServer, volumeId: number, random: Random): Promise<void> {
  await server.allocate(volumeId);
  for (let needle = 1; needle <= 3; needle++) await server.put(volumeId, BigInt(needle), contentOf(random));
}

function contentOf(random: Random): Uint8Array {
  return random.bytes(1 + Math.floor(random.nextFloat() * GREATEST_NEEDLE_BYTES));
}

async function datSizeOf({ dataDirectory }: WeedVolumeServer, id: number): Promise<number> {
  return (await stat(`${dataDirectory}/${id}.dat`)).size;
}

async function change(server: WeedVolumeServer, volumeId: number, random: Random): Promise<void> {
  const needleId = BigInt(1 + Math.floor(random.nextFloat() * NEEDLES));
  if (random.nextFloat() < DELETIONS) await server.delete(volumeId, needleId);
  else await server.put(volumeId, needleId, contentOf(random));
}

/** Listens to what the follower says of its volumes. */
function watchFollower(stdout: NodeJS.ReadableStream) {
  const copied = new Set<number>();
  const probes = new Map<number, Probe>();
  const lagsMs: number[] = [];
  let onCopied = () => {};
  createInterface({ input: stdout }).on('line', (line) => {
    const { event, ok, id, datSize } = JSON.parse(line) as {
      readonly event?: string;
      readonly ok?: boolean;
      readonly id?: number;
      readonly datSize?: number;
    };
    if (event !== 'volume' || !ok) return;
    copied.add(id!);
    onCopied();
    const probe = probes.get(id!);
    if (probe === undefined || datSize! < probe.datSizeBytes) return;
    lagsMs.push(performance.now() - probe.writtenAtMs);
    probes.delete(id!);
  });
  return {
    lagsMs,
    copied: (count: number) =>
      new Promise<void>((resolve) => {
        onCopied = () => {
          if (copied.size >= count) resolve();
        };
        onCopied();
      }),
    /** One at a time of each volume: the oldest that is not told of yet. */
    expect(id: number, probe: Probe): void {
      if (!probes.has(id)) probes.set(id, probe);
    },
    forget: (id: number) => void probes.delete(id),
  };
}

async function converged(server: WeedVolumeServer, directory: string, volumes: number): Promise<void> {
  const untilMs = performance.now() + CONVERGES_WITHIN_MS;
  for (let id = 1; id <= volumes; id++) {
    while (!(await isEqual(server, directory, id))) {
      if (performance.now() > untilMs) throw new Error(`volume ${id} is not its leader's`);
      await sleep(50);
    }
  }
}

async function isEqual(server: WeedVolumeServer, directory: string, id: number): Promise<boolean> {
  for (const ext of ['.dat', '.idx'] as const) {
    const ours = await readFile(join(directory, `${id}${ext}`));
    if (!ours.equals(await server.readFile(id, ext))) return false;
  }
  return true;
}
