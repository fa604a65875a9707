import type { SyncReport } from '@holdfast/follower';
import type { MemoryNetwork } from '@holdfast/protocol';
import type { StoreEnvironment } from '@holdfast/store';
import {
  createSimulatedDisk,
  createSimulatedMachine,
  createSimulatedNetwork,
  createSimulatedScheduler,
  type FrameFault,
  type SimulatedMachine,
  type SimulatedNetwork,
  type SimulatedScheduler,
} from '@holdfast/testkit';
import { type AbsenceBook, createAbsenceBook } from '../oracles/absence-book.js';
import type { CopyHome } from '../oracles/copy-home.js';
import { createLeaderLog, type LeaderLog } from '../oracles/leader-log.js';
import { createLossBook, type LossBook } from '../oracles/loss-book.js';
import { createRetentionWatch, type RetentionWatch } from '../oracles/retention-watch.js';
import { count, type Figures } from '../run/figures.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Trace } from '../trace.js';
import { type CraftedAnswers, createCraftedAnswers } from './crafted-answers.js';
import { fileName } from './file-name.js';
import { policyOf } from './follower-policy.js';
import { DIRECTORY } from './follower-runs.js';
import { createHoldfastLeader } from './holdfast-leader.js';
import { createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.js';
import type { LeaderState, SimulatedLeader } from './simulated-leader.js';
import { createStockLeader } from './stock-leader.js';

/** Virtual time within which a leader is there. */
const START_LIMIT_MS = 60_000;

/** The last success that was reported of a volume. */
export interface Reported {
  readonly report: SyncReport;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  /** Of its leader copy, as it was then. */
  readonly state: LeaderState;
  readonly atNs: bigint;
  /** What the folder of its generation is called. */
  readonly generation: number;
}

export interface SimulatedWorld {
  readonly schedule: Schedule;
  readonly scheduler: SimulatedScheduler;
  readonly network: SimulatedNetwork;
  /** The follower's. */
  readonly machine: SimulatedMachine;
  readonly cluster: SimulatedCluster;
  /** What the leaders answer where they mean harm. */
  readonly crafted: CraftedAnswers;
  readonly log: LeaderLog;
  readonly trace: Trace;
  readonly figures: Figures;
  /** What a follower's process is given instead of its environment. */
  readonly sabotage: (env: StoreEnvironment) => StoreEnvironment;
  /** Successes by volume, oldest first. */
  readonly reported: Map<number, Reported[]>;
  readonly losses: ReadonlyMap<number, LossBook>;
  readonly retention: RetentionWatch;
  readonly absences: AbsenceBook;
  /**
   * Since when a volume's leader copy may have been out of reach, of those that a success has been reported of: wall time.
   * A success ends it.
   */
  readonly troubledSinceMs: Map<number, number>;
  /** Volumes that a server has lost, or has had anew, while others had them. */
  readonly vanished: Set<number>;
  /** What the folders of present generations are called once what the last run found cut short is completed. */
  readonly generationsAtStart: Map<number, number | undefined>;
  /** Volumes of which a bit has rotted since the last success. */
  readonly rotten: Set<number>;
  /** Whether one ever has: what is made anew then has no former states. */
  hasRotted: boolean;
  /** Whether every byte that came over the network was the leader's. */
  isTrusted: boolean;
  /** Whether the follower's wall clock has jumped or stepped back. */
  hasClockStepped: boolean;
  /** Asked before each message, and before each connection, as long as a run goes on. */
  watch: NetworkWatch | undefined;
}

export interface NetworkWatch {
  onMessage(): FrameFault | undefined | Promise<FrameFault | undefined>;
  onConnect(): void;
  /** A hostile stream was read on and on. */
  onExcess(what: string): void;
}

export async function createSimulatedWorld(
  schedule: Schedule,
  { trace, figures, sabotage }: Pick<SimulatedWorld, 'trace' | 'figures' | 'sabotage'>,
): Promise<SimulatedWorld> {
  const { seed, world } = schedule;
  const scheduler = createSimulatedScheduler();
  const network = createSimulatedNetwork({
    scheduler,
    onFrame: () => simulated.watch?.onMessage(),
    onConnect: () => simulated.watch?.onConnect(),
    isProxied: world.isProxied ?? false,
    onRenewed: () => count(figures, 'connections renewed unseen'),
  });
  const disk = createSimulatedDisk({
    seed: seed + 1,
    hasLinks: world.hasLinks,
    tearBytes: world.tearBytes,
    ...(world.capacityBytes === null ? {} : { capacityBytes: world.capacityBytes }),
  });
  disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  disk.plant('/restored/.keep', new Uint8Array(0));
  const crafted = createCraftedAnswers({
    network,
    scheduler,
    onTold: (kind) => count(figures, `lies told: ${kind}`),
    onExcess: (what) => simulated.watch?.onExcess(what),
  });
  const leaders = Array.from({ length: world.servers ?? 1 }, (_, at) =>
    createLeaderOf(at, schedule, scheduler, { ...network, ...crafted.network }, (atOnce) =>
      count(figures, `ranges asked for: ${atOnce} at once`),
    ),
  );
  const { volumeIds, collection = '' } = world;
  const cluster = createSimulatedCluster({ leaders, volumeIds, collection });
  const { clock } = scheduler.time;
  const absences = createAbsenceBook(clock, world.pruneAfterMs ?? null);
  const retention = createRetentionWatch({
    ...policyOf(world),
    disk,
    clock,
    directory: DIRECTORY,
    names: volumeIds.map((id) => fileName(collection, id)),
    mayLeave: (name) => absences.isOver(name),
    onPruned: () => count(figures, 'generations pruned'),
    onLeaving(name) {
      const volumeId = volumeIds.find((id) => nameOf(simulated, id) === name)!;
      forgetVolume(simulated, volumeId);
    },
  });
  retention.hasLackedSpace = world.capacityBytes !== null;
  const simulated: SimulatedWorld = {
    schedule,
    scheduler,
    network,
    machine: createSimulatedMachine({ scheduler, disk, seed: seed + 3 }),
    cluster,
    crafted,
    log: createLeaderLog(leaders, volumeIds),
    trace,
    figures,
    sabotage,
    reported: new Map(volumeIds.map((id) => [id, []])),
    losses: new Map(volumeIds.map((id) => [id, createLossBook(cluster.offsetWidth)])),
    retention,
    absences,
    troubledSinceMs: new Map(),
    vanished: new Set(),
    generationsAtStart: new Map(),
    rotten: new Set(),
    hasRotted: false,
    isTrusted: true,
    hasClockStepped: false,
    watch: undefined,
  };
  const started = await scheduler.run(() => cluster.start(), START_LIMIT_MS);
  if (started.kind !== 'done')
    throw started.kind === 'failed' ? started.error : new Error(`a leader that is ${started.kind}`);
  simulated.log.look();
  return simulated;
}

/** What the files of a volume are called. */
export function nameOf({ schedule }: SimulatedWorld, volumeId: number): string {
  return fileName(schedule.world.collection ?? '', volumeId);
}

/** The follower's part of its directory that a volume has, as plain files. */
export function homeOf(world: SimulatedWorld, volumeId: number): CopyHome {
  return world.retention.homes.get(nameOf(world, volumeId))!;
}

/** A volume is removed, as it may be: nothing of it is expected any more. */
export function forgetVolume(world: SimulatedWorld, volumeId: number): void {
  world.reported.get(volumeId)?.splice(0);
  world.rotten.delete(volumeId);
  world.losses.get(volumeId)?.forget();
  world.troubledSinceMs.delete(volumeId);
  world.retention.forget(nameOf(world, volumeId));
}

function createLeaderOf(
  at: number,
  { seed, world }: Schedule,
  scheduler: SimulatedScheduler,
  network: MemoryNetwork,
  onRange: (atOnce: number) => void,
): SimulatedLeader {
  const { volumeIds, collection = '', version, messageBytes, tearBytes } = world;
  const kind = world.leader === 'holdfast' ? 'holdfast' : 'stock';
  const own = {
    serverName: at === 0 ? kind : `${kind}-${at + 1}`,
    volumeIds,
    collection,
    // Far from those of the others, which are one or two away from the schedule's.
    seed: seed + 2 + at * 1_000_003,
  };
  if (world.leader === 'holdfast') return createHoldfastLeader({ ...own, scheduler, network, tearBytes });
  const release = world.leader === 'stock-4.44' ? '4.44' : '4.48';
  return createStockLeader({
    ...own,
    clock: scheduler.time.clock,
    network,
    release,
    version,
    messageBytes,
    // Small ones, so that as many as there may be are under way in a volume of kilobytes.
    rangeBytes: world.steps === 'least' ? 96 : 4 << 20,
    onRange,
  });
}
