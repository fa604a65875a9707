import type { StoreErrorCode } from '@holdfast/store';
import type { DiskAccess, FrameFault } from '@holdfast/testkit';
import { Violation } from '../oracles/violation.js';
import type { Event, LeaderEvent, Moment } from '../schedule/schedule.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/** The events of one run, each at its moment. */
export interface Moments {
  onAccess(access: DiskAccess): StoreErrorCode | undefined | Promise<StoreErrorCode | undefined>;
  onMessage(): FrameFault | undefined | Promise<FrameFault | undefined>;
  onConnect(): void;
  onExcess(what: string): void;
  /** Whether anything has happened that a sync may fail of. */
  readonly wasDisturbed: boolean;
  readonly accesses: number;
  readonly messages: number;
}

export interface MomentActions {
  readonly crash: (kind: 'power' | 'nothing' | 'everything' | 'process') => void;
  readonly secondFollower: () => Promise<void>;
  /** Something did not hold on the leader. */
  readonly fail: (error: unknown) => void;
}

type Effect = FrameFault | StoreErrorCode | undefined;

export function createMoments(
  world: SimulatedWorld,
  moments: readonly Moment[],
  actions: MomentActions,
): Moments {
  const { figures } = world;
  let [accesses, messages, refusals] = [0, 0, 0];
  let [wasDisturbed, hasCrashed] = [false, false];
  const at = (before: Moment['before'], number: number): readonly Event[] =>
    // What a process has sent before it crashed may still be on its way.
    hasCrashed
      ? []
      : moments
          .filter((moment) => moment.before === before && moment.count === number)
          .map(({ event }) => event);

  async function happen(event: LeaderEvent): Promise<undefined> {
    try {
      await applyToLeader(world, event);
    } catch (error) {
      actions.fail(error);
    }
    return undefined;
  }

  /** One after another; of what they do to the access or message at hand, the first counts. */
  function takeAll(events: readonly Event[]): Effect | Promise<Effect> {
    const [first, ...others] = events;
    if (first === undefined) return undefined;
    const effect = take(first);
    if (others.length === 0) return effect;
    if (!(effect instanceof Promise)) return effect ?? takeAll(others);
    return effect.then((waited) => waited ?? takeAll(others));
  }

  /** What the event does to the access or message at hand; leader events are waited for. */
  function take(event: Event): Effect | Promise<undefined> {
    wasDisturbed = true;
    noteTrouble(world);
    count(figures, `during runs: ${event.do}`);
    switch (event.do) {
      case 'crash':
        hasCrashed = true;
        actions.crash(event.kind);
        return undefined;
      case 'disk-error':
        world.retention.hasLackedSpace ||= event.code === 'no-space';
        return event.code;
      case 'drop':
      case 'truncate':
        return { kind: event.do };
      case 'stale':
        world.isTrusted = false;
        return { kind: 'stale' };
      case 'craft':
        world.isTrusted = false;
        world.crafted.tell(event);
        return undefined;
      case 'stall':
        return { kind: 'stall', forMs: event.forMs };
      case 'flip':
        world.isTrusted = false;
        return { kind: 'flip', seed: event.seed };
      case 'half-open':
        world.network.abandonConnections();
        return undefined;
      case 'refuse-connections':
        refusals = event.count;
        world.network.dropConnections();
        return undefined;
      case 'second-follower':
        return actions.secondFollower().then(() => undefined);
      case 'step-clock':
        stepClock(world, event.byMs);
        return undefined;
      default:
        return happen(event);
    }
  }

  return {
    onAccess() {
      const effect = takeAll(at('access', ++accesses));
      return effect instanceof Promise ? effect.then(errorOf) : errorOf(effect);
    },
    onMessage() {
      const effect = takeAll(at('message', ++messages));
      return effect instanceof Promise ? effect.then(faultOf) : faultOf(effect);
    },
    onConnect() {
      if (refusals === 0) return;
      refusals--;
      throw new Error('connection refused');
    },
    onExcess(what) {
      actions.fail(new Violation('bounded', 'a stream that is given up', what));
    },
    get wasDisturbed() {
      return wasDisturbed;
    },
    get accesses() {
      return accesses;
    },
    get messages() {
      return messages;
    },
  };
}

function errorOf(effect: Effect): StoreErrorCode | undefined {
  return typeof effect === 'string' ? effect : undefined;
}

function faultOf(effect: Effect): FrameFault | undefined {
  return typeof effect === 'object' ? effect : undefined;
}

/** The follower's wall clock jumps, or steps back. */
export function stepClock(world: SimulatedWorld, byMs: number): void {
  world.hasClockStepped = true;
  world.retention.hasClockStepped = true;
  world.scheduler.time.stepWallClock(byMs);
  world.absences.noteStep();
}

/** From now on a follower may find its leader out of reach. */
function noteTrouble({ schedule, scheduler, troubledSinceMs }: SimulatedWorld): void {
  for (const volumeId of schedule.world.volumeIds)
    if (!troubledSinceMs.has(volumeId)) troubledSinceMs.set(volumeId, scheduler.time.clock.nowMs());
}

/** Lets something happen to the leader, and notes the state that it is in then. */
export async function applyToLeader(world: SimulatedWorld, event: LeaderEvent): Promise<void> {
  if (event.do === 'vanish' || event.do === 'remake') world.vanished.add(event.volume);
  if (event.do === 'leader-down') noteTrouble(world);
  const hasHappened = await world.cluster.apply(event);
  world.log.look();
  if (hasHappened) count(world.figures, `leader: ${event.do}`);
}
