import { createSeededRandom } from '@holdfast/testkit';
import { Violation } from '../../oracles/violation.js';
import { runSchedule } from '../../run/run-schedule.js';
import { createDice, type Dice } from '../../schedule/dice.js';
import type {
  Event,
  LeaderEvent,
  Moment,
  Operation,
  Schedule,
  VolumeEventName,
  World,
} from '../../schedule/schedule.js';
import type { Hunt } from './hunt.js';

/** The one volume that stories are about. */
export const VOLUME = 7;

/** What happens, told from the dice. */
export type Story = (seed: number, dice: Dice) => Told;

export interface Told {
  readonly operations: readonly Operation[];
  readonly world?: Partial<World>;
  /** Whether every run has to succeed, although something happens during it. */
  readonly mustSucceed?: boolean;
}

/** A hunt whose schedules are told by stories, each so many times as often as its weight says. */
export function storyHunt(name: string, stories: readonly (readonly [weight: number, story: Story])[]): Hunt {
  return {
    name,
    async schedule(seed) {
      const dice = createDice(createSeededRandom(seed));
      const { operations, world = {}, mustSucceed = false } = dice.pick<Story>(stories)(seed, dice);
      const schedule: Schedule = { seed, mode: 'safety', world: { ...worldOf(dice), ...world }, operations };
      const { violation, figures } = await runSchedule(schedule);
      if (violation !== undefined) throw violation;
      const failed = figures['outcome: failed'] ?? 0;
      if (mustSucceed && failed > 0)
        throw new Violation('convergence', 'every run to succeed', `${failed} failed`);
    },
  };
}

function worldOf(dice: Dice): World {
  return {
    leader: dice.oneOf(['stock-4.48', 'stock-4.44']),
    volumeIds: [VOLUME],
    version: 3,
    isHostile: false,
    tearBytes: 512,
    hasLinks: true,
    capacityBytes: null,
    steps: dice.pick([
      [4, 'least'],
      [2, 'small'],
      [1, 'default'],
    ] as const),
    messageBytes: dice.oneOf([64, 700]),
    queuedShare: 0,
  };
}

export function onVolume(name: VolumeEventName, choice = 0): LeaderEvent {
  return { do: name, volume: VOLUME, choice };
}

export function backup(dice: Dice, moments: readonly Moment[] = []): Operation {
  return { do: 'backup', seed: dice.below(2 ** 31), moments };
}

/** Needles one after another, each of one length: another history has records in the same places. */
export function createRow(seed: number, sizeBytes: number) {
  let fill = seed * 1000;
  const put = (needle: number, of = ++fill): LeaderEvent => ({
    do: 'put',
    volume: VOLUME,
    needle,
    sizeBytes,
    fill: of,
  });
  const row = (count: number, first = 1): LeaderEvent[] =>
    Array.from({ length: count }, (_, i) => put(first + i));
  return { put, row };
}

/** All of them before one message. */
export function atMessage(count: number, events: readonly Event[]): Moment[] {
  return events.map((event) => ({ before: 'message', count, event }));
}
