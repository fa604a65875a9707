import { type CrashKind, createSeededRandom } from '@holdfast/testkit';
import { createDice, type Dice } from './dice.js';
import { withKeeping } from './keeping.js';
import type {
  CraftedLie,
  Fault,
  LeaderEvent,
  LeaderKind,
  Mode,
  Moment,
  Operation,
  Schedule,
  VolumeEventName,
  World,
} from './schedule.js';

/** Few enough that overwrites and deletes meet. */
const NEEDLES = 12;
const OPERATIONS_MAX = 14;

/** The schedule of a seed: the same on every machine. */
export function generateSchedule(seed: number, mode: Mode): Schedule {
  return withKeeping(generatePlain(seed, mode), { backup: backupOf(seed), share: 0.6, more: 0 });
}

/** One that is about little but what is kept. */
export function generateKeepingSchedule(seed: number, mode: Mode): Schedule {
  const plain = generatePlain(seed, mode);
  const operations = plain.operations.filter(({ do: name }) => name === 'put' || name === 'backup');
  return withKeeping({ ...plain, operations }, { backup: backupOf(seed), share: 1, more: 4 });
}

function backupOf(seed: number) {
  let fill = seed * 1000 + 500;
  return (dice: Dice, world: World): Operation =>
    generateBackup({ dice, world, isLarge: false, nextFill: () => ++fill });
}

function generatePlain(seed: number, mode: Mode): Schedule {
  const dice = createDice(createSeededRandom(seed));
  const world = generateWorld(dice, mode);
  const operations: Operation[] = [];
  const length = 4 + dice.below(OPERATIONS_MAX - 3);
  let fill = seed * 1000;
  const context: Context = { dice, world, isLarge: dice.chance(0.05), nextFill: () => ++fill };
  // A volume with something in it, so that few schedules are about nothing.
  for (let count = 1 + dice.below(6); count > 0; count--) operations.push(put(context));
  while (operations.length < length + 4) operations.push(...generateOperations(context));
  if (operations.at(-1)?.do !== 'backup') operations.push(generateBackup(context));
  return { seed, mode, world, operations };
}

interface Context {
  readonly dice: Dice;
  readonly world: World;
  /** Whether volumes grow past the blocks that digests are of. */
  readonly isLarge: boolean;
  readonly nextFill: () => number;
}

function generateWorld(dice: Dice, mode: Mode): World {
  const leader = dice.pick<LeaderKind>([
    [5, 'stock-4.48'],
    [3, 'stock-4.44'],
    [4, 'holdfast'],
  ]);
  return {
    leader,
    volumeIds: dice.chance(0.15) ? [7, 8] : [7],
    version: dice.pick<1 | 2 | 3>([
      [17, 3],
      [2, 2],
      [1, 1],
    ]),
    tearBytes: dice.chance(0.4) ? 8 : 512,
    hasLinks: dice.chance(0.85),
    isHostile: dice.chance(0.08),
    // A disk that is full stays so: nothing would come right.
    capacityBytes: mode === 'safety' && dice.chance(0.06) ? 20_000 + dice.below(60_000) : null,
    steps: dice.pick([
      [2, 'default'],
      [4, 'small'],
      [2, 'least'],
    ]),
    messageBytes: dice.pick([
      [2, 64],
      [2, 700],
      [2, 2 << 20],
    ]),
    queuedShare: dice.pick([
      [4, 0],
      [3, 0.1],
      [2, 0.5],
      [1, 1],
    ]),
    isProxied: dice.chance(0.12),
  };
}

function generateOperations(context: Context): readonly Operation[] {
  const { dice } = context;
  return dice.pick<() => readonly Operation[]>([
    [46, () => [generateLeaderEvent(context)]],
    [36, () => [generateBackup(context)]],
    [4, () => [generateFollow(context)]],
    [4, () => [{ do: 'restore', volume: dice.oneOf(context.world.volumeIds), reportsAgo: dice.small(4) }]],
    [
      2,
      () => [
        {
          do: 'rot',
          volume: dice.oneOf(context.world.volumeIds),
          place: dice.below(1 << 20),
          bit: dice.below(8),
        },
      ],
    ],
    [1, () => [{ do: 'verify', volume: dice.oneOf(context.world.volumeIds) }]],
    [5, () => [{ do: 'crash', kind: crashKind(dice) }]],
    [3, () => [{ do: 'step-clock', byMs: clockStep(dice) }]],
  ])();
}

function generateBackup(context: Context): Operation {
  const { dice } = context;
  return { do: 'backup', seed: dice.below(2 ** 31), moments: generateMoments(context, 60) };
}

function generateFollow(context: Context): Operation {
  const { dice } = context;
  const forMs = 2_000 + dice.below(40_000);
  return { do: 'follow', seed: dice.below(2 ** 31), forMs, moments: generateMoments(context, 250) };
}

function generateMoments(context: Context, messages: number): readonly Moment[] {
  const { dice } = context;
  const moments: Moment[] = [];
  const number = dice.pick([
    [3, 0],
    [4, 1],
    [3, 2],
    [1, 4],
  ]);
  for (let count = 0; count < number; count++) moments.push(generateMoment(context, messages));
  return moments;
}

function generateMoment(context: Context, messages: number): Moment {
  const { dice } = context;
  if (dice.chance(0.4)) {
    // What happens to a leader happens at a message; late ones need a long run.
    return { before: 'message', count: 1 + dice.small(messages), event: generateLeaderEvent(context) };
  }
  const event = context.world.isHostile && dice.chance(0.6) ? generateLie(dice) : generateFault(dice);
  const before = dice.pick<Moment['before']>(
    event.do === 'disk-error' || event.do === 'crash'
      ? [
          [9, 'access'],
          [1, 'message'],
        ]
      : [[1, 'message']],
  );
  if (event.do === 'disk-error') return { before: 'access', count: 1 + dice.below(150), event };
  // Early accesses are those of a recovery.
  const accesses = dice.chance(0.5) ? 60 : 200;
  return { before, count: 1 + (before === 'access' ? dice.below(accesses) : dice.small(messages)), event };
}

function generateFault(dice: Dice): Fault {
  return dice.pick<() => Fault>([
    [10, () => ({ do: 'crash', kind: crashKind(dice) })],
    [4, () => ({ do: 'disk-error', code: dice.chance(0.6) ? 'disk-failed' : 'no-space' })],
    [3, () => ({ do: 'drop' })],
    [1, () => ({ do: 'half-open' })],
    [
      2,
      () => ({
        do: 'stall',
        forMs: dice.pick([
          [2, 500],
          [2, 20_000],
          [1, 90_000],
        ]),
      }),
    ],
    [1, () => ({ do: 'truncate' })],
    [1, () => ({ do: 'refuse-connections', count: 1 + dice.below(8) })],
    [1, () => ({ do: 'step-clock', byMs: clockStep(dice) })],
    [1, () => ({ do: 'second-follower' })],
  ])();
}

/** What a hostile leader, or a network that is one, sends. */
function generateLie(dice: Dice): Fault {
  if (dice.chance(0.5)) return { do: 'craft', kind: dice.oneOf(CRAFTED), seed: dice.below(2 ** 31) };
  return dice.chance(0.8) ? { do: 'flip', seed: dice.below(2 ** 31) } : { do: 'stale' };
}

const CRAFTED: readonly CraftedLie['kind'][] = [
  'sizes',
  'shape',
  'longer',
  'shorter',
  'entries',
  'endless',
  'empty',
];

function generateLeaderEvent(context: Context): LeaderEvent {
  const { dice, world } = context;
  const volume = dice.oneOf(world.volumeIds);
  const onVolume = (name: VolumeEventName) => () => ({
    do: name,
    volume,
    choice: dice.below(1 << 16),
  });
  return dice.pick<() => LeaderEvent>([
    [40, () => put(context)],
    [24, () => ({ do: 'delete', volume, needle: 1 + dice.below(NEEDLES) })],
    [10, onVolume('vacuum')],
    [3, onVolume('compact')],
    [3, onVolume('commit')],
    [1, onVolume('fail-commit')],
    [2, onVolume('remake')],
    [1, onVolume('fix-index')],
    [1, onVolume('tear-tail')],
    [3, onVolume('lose-tail')],
    [1, onVolume('unindexed-record')],
    [1, onVolume('tombstone-at-0')],
    [2, () => ({ do: 'restart-leader' })],
    [2, () => ({ do: 'crash-leader', kind: crashKind(dice) })],
    [2, () => ({ do: 'step-leader-clock', byMs: clockStep(dice) })],
  ])();
}

function put({ dice, world, isLarge, nextFill }: Context): LeaderEvent {
  const sizeBytes = dice.pick([
    [2, 0],
    [4, 1 + dice.below(40)],
    [6, 1 + dice.below(600)],
    [1, 1 + dice.below(5000)],
    [isLarge ? 8 : 0, 1 + dice.below(40_000)],
  ]);
  // One of few lengths, so that records of another history have the same.
  const rounded = dice.chance(0.3) ? Math.min(sizeBytes, 64) : sizeBytes;
  return {
    do: 'put',
    volume: dice.oneOf(world.volumeIds),
    needle: 1 + dice.below(NEEDLES),
    sizeBytes: rounded,
    fill: nextFill(),
  };
}

function crashKind(dice: Dice): CrashKind {
  return dice.pick<CrashKind>([
    [4, 'power'],
    [2, 'nothing'],
    [1, 'everything'],
    [3, 'process'],
  ]);
}

function clockStep(dice: Dice): number {
  const size = dice.pick([
    [2, 500],
    [2, 3_600_000],
    [1, 40 * 86_400_000],
  ]);
  return dice.chance(0.5) ? size : -size;
}
