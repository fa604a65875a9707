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
import { createLeaderLog, type LeaderLog } from '../oracles/leader-log.js';
import { count, type Figures } from '../run/figures.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Trace } from '../trace.js';
import { type CraftedAnswers, createCraftedAnswers } from './crafted-answers.js';
import { DIRECTORY } from './follower-runs.js';
import { createHoldfastLeader } from './holdfast-leader.js';
import type { SimulatedLeader } from './simulated-leader.js';
import { createStockLeader } from './stock-leader.js';

/** Virtual time within which a leader is there. */
const START_LIMIT_MS = 60_000;

/** The last success that was reported of a volume. */
export interface Reported {
  readonly report: SyncReport;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly atNs: bigint;
}

export interface SimulatedWorld {
  readonly schedule: Schedule;
  readonly scheduler: SimulatedScheduler;
  readonly network: SimulatedNetwork;
  /** The follower's. */
  readonly machine: SimulatedMachine;
  readonly leader: SimulatedLeader;
  /** What it answers where it means harm. */
  readonly crafted: CraftedAnswers;
  readonly log: LeaderLog;
  readonly trace: Trace;
  readonly figures: Figures;
  /** What a follower's process is given instead of its environment. */
  readonly sabotage: (env: StoreEnvironment) => StoreEnvironment;
  /** Successes by volume, oldest first. */
  readonly reported: Map<number, Reported[]>;
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
  const leader = createLeaderOf(schedule, scheduler, { ...network, ...crafted.network }, (atOnce) =>
    count(figures, `ranges asked for: ${atOnce} at once`),
  );
  const simulated: SimulatedWorld = {
    schedule,
    scheduler,
    network,
    machine: createSimulatedMachine({ scheduler, disk, seed: seed + 3 }),
    leader,
    crafted,
    log: createLeaderLog(leader, world.volumeIds),
    trace,
    figures,
    sabotage,
    reported: new Map(world.volumeIds.map((id) => [id, []])),
    rotten: new Set(),
    hasRotted: false,
    isTrusted: true,
    hasClockStepped: false,
    watch: undefined,
  };
  const started = await scheduler.run(() => leader.start(), START_LIMIT_MS);
  if (started.kind !== 'done')
    throw started.kind === 'failed' ? started.error : new Error(`a leader that is ${started.kind}`);
  simulated.log.look();
  return simulated;
}

function createLeaderOf(
  { seed, world }: Schedule,
  scheduler: SimulatedScheduler,
  network: MemoryNetwork,
  onRange: (atOnce: number) => void,
): SimulatedLeader {
  const { volumeIds, version, messageBytes, tearBytes } = world;
  if (world.leader === 'holdfast')
    return createHoldfastLeader({ scheduler, network, volumeIds, tearBytes, seed: seed + 2 });
  const release = world.leader === 'stock-4.44' ? '4.44' : '4.48';
  return createStockLeader({
    clock: scheduler.time.clock,
    network,
    release,
    volumeIds,
    version,
    messageBytes,
    // Small ones, so that as many as there may be are under way in a volume of kilobytes.
    rangeBytes: world.steps === 'least' ? 96 : 4 << 20,
    seed: seed + 2,
    onRange,
  });
}
