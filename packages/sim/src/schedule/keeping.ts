import { createSeededRandom } from '@holdfast/testkit';
import { createDice, type Dice } from './dice.js';
import type { LeaderEvent, Moment, Operation, Schedule, World } from './schedule.js';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
/** Apart from the dice of everything else: what they say stays what it was. */
const DICE_OFFSET = 0x6b65_6570;

export interface KeepingOptions {
  /** Gives runs in which something may happen. */
  readonly backup: (dice: Dice, world: World) => Operation;
  /** Of all schedules: the others stay as they are. */
  readonly share: number;
  /** Of such stories than there are at least. */
  readonly more: number;
}

/**
 * The same schedule where copies are kept: under what names, for how long and how many, out of how many leader copies;
 * with operators that release, servers that go and come back, volumes that vanish, and time that goes by.
 */
export function withKeeping(schedule: Schedule, { backup, share, more }: KeepingOptions): Schedule {
  const dice = createDice(createSeededRandom(schedule.seed + DICE_OFFSET));
  if (!dice.chance(share)) return schedule;
  const world: World = { ...schedule.world, ...generateKeeping(dice) };
  const operations = schedule.operations.map((operation) => spread(dice, world, operation));
  const count = 1 + dice.below(6) + more;
  for (let i = 0; i < count; i++)
    insert(
      dice,
      operations,
      generateOperations(dice, world, () => backup(dice, world)),
    );
  return { ...schedule, world, operations };
}

function generateKeeping(dice: Dice): Partial<World> {
  const servers = dice.pick([
    [5, 1],
    [3, 2],
    [2, 3],
  ]);
  const waitMs = dice.oneOf([0, 5 * SECOND_MS, 40 * SECOND_MS, HOUR_MS]);
  return {
    collection: dice.chance(0.4) ? dice.oneOf(['photos', 'C_7', '0']) : '',
    servers,
    failoverAfterMs: servers > 1 && dice.chance(0.8) ? waitMs : null,
    pruneAfterMs: dice.chance(0.4) ? dice.oneOf([0, 20 * SECOND_MS, HOUR_MS]) : null,
    keepForMs: dice.oneOf([0, 10 * SECOND_MS, HOUR_MS, 72 * HOUR_MS]),
    keepGenerations: dice.pick([
      [1, 0],
      [4, 1],
      [2, 2],
      [1, 3],
    ]),
    maxLoss: dice.oneOf([0, 0.2, 0.2, 0.5]),
  };
}

/** What is no write happens to one of the servers. */
function spread(dice: Dice, world: World, operation: Operation): Operation {
  const server = dice.below(world.servers ?? 1);
  if (server === 0) return operation;
  if (!('moments' in operation)) return isOfServer(operation) ? { ...operation, server } : operation;
  const moments = operation.moments.map((moment): Moment => {
    const { event } = moment;
    return isOfServer(event) ? { ...moment, event: { ...event, server } } : moment;
  });
  return { ...operation, moments };
}

const OF_ONE_SERVER: ReadonlySet<string> = new Set<LeaderEvent['do']>([
  'vacuum',
  'compact',
  'commit',
  'fail-commit',
  'remake',
  'fix-index',
  'tear-tail',
  'lose-tail',
  'unindexed-record',
  'tombstone-at-0',
  'restart-leader',
  'crash-leader',
  'step-leader-clock',
]);

function isOfServer(event: { readonly do: string }): event is LeaderEvent {
  return OF_ONE_SERVER.has(event.do);
}

function insert(dice: Dice, into: Operation[], operations: readonly Operation[]): void {
  // Not before the first writes: a volume with nothing in it has little to lose.
  let at = Math.min(3, into.length);
  for (const operation of operations) {
    at += dice.below(1 + Math.ceil((into.length - at) / 2));
    into.splice(at++, 0, operation);
  }
}

function generateOperations(dice: Dice, world: World, backup: () => Operation): readonly Operation[] {
  const { servers = 1, pruneAfterMs = null, failoverAfterMs = null, keepForMs = 0 } = world;
  const volume = dice.oneOf(world.volumeIds);
  // Nearly as long as it takes, or longer.
  const wait = (limitMs: number): Operation => ({
    do: 'wait',
    forMs: Math.ceil(limitMs * dice.oneOf([0.6, 1, 1.2])),
  });
  const vacuum = (): Operation => ({ do: 'vacuum', volume, choice: 0, server: dice.below(servers) });
  return dice.pick<() => readonly Operation[]>([
    [3, () => [generateRelease(dice, volume)]],
    [3, () => [...emptied(dice, volume), backup()]],
    [5, () => [vacuum(), backup(), wait(keepForMs), backup()]],
    [
      pruneAfterMs === null ? 1 : 5,
      () => [
        ...vanished(dice, world, volume),
        backup(),
        wait(pruneAfterMs ?? SECOND_MS),
        dice.chance(0.3) ? removalCutShort(dice) : backup(),
        ...(dice.chance(0.6) ? [remade(dice.below(servers), volume)] : []),
      ],
    ],
    [servers > 1 ? 10 : 3, () => awayForAWhile()],
  ])();

  /** Most often the first, which is the one that is followed until another one is. */
  function awayForAWhile(): readonly Operation[] {
    const server = dice.chance(0.6) ? 0 : dice.below(servers);
    // The others have not as much of it, each.
    const apart = dice.chance(0.5) ? [...emptied(dice, volume), vacuum()] : [];
    const waitMs = failoverAfterMs ?? pruneAfterMs ?? SECOND_MS;
    const isBack: Operation = { do: 'restart-leader', server };
    const isAway: Operation = { do: 'leader-down', isListed: dice.chance(0.5), server };
    // What was away for a moment, and then was there, has only been away since it went again.
    const before = dice.chance(0.3) ? [isAway, backup(), isBack, backup(), wait(waitMs)] : [];
    return [
      ...before,
      isAway,
      ...apart,
      backup(),
      wait(waitMs),
      backup(),
      ...(dice.chance(0.8) ? [isBack] : []),
    ];
  }
}

function remade(server: number, volume: number): Operation {
  return { do: 'remake', volume, choice: 0, server };
}

/** From one server, or from all. */
function vanished(dice: Dice, { servers = 1 }: World, volume: number): readonly Operation[] {
  const named = dice.chance(0.3)
    ? [dice.below(servers)]
    : Array.from({ length: servers }, (_, server) => server);
  return named.map((server) => ({ do: 'vanish', volume, choice: 0, server }));
}

/** Of a run that has little else to do, the last accesses are those of a removal. */
function removalCutShort(dice: Dice): Operation {
  return { do: 'backup', seed: dice.below(2 ** 31), moments: [crash(40 + dice.below(40))] };
}

function generateRelease(dice: Dice, volume: number): Operation {
  const moments = dice.chance(0.3) ? [crash(1 + dice.below(60))] : [];
  return { do: 'release', volume, seed: dice.below(2 ** 31), moments };
}

function crash(count: number): Moment {
  return { before: 'access', count, event: { do: 'crash', kind: 'power' } };
}

/** Many needles go at once. */
function emptied(dice: Dice, volume: number): readonly Operation[] {
  const first = 1 + dice.below(6);
  return Array.from({ length: 2 + dice.below(6) }, (_, i) => ({ do: 'delete', volume, needle: first + i }));
}
