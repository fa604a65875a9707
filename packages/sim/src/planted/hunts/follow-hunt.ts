import type { Dice } from '../../schedule/dice.js';
import type { LeaderEvent, Moment, Operation } from '../../schedule/schedule.js';
import { backup, onVolume, type Story, storyHunt, type Told, VOLUME } from './story-hunt.js';

const NEEDLES = 10;
/** Messages of a run among which something happens. */
const MESSAGES = 24;
/** Longer than any run may take. */
const FOR_EVER_MS = 10 * 3600 * 1000;
/** So many connections are refused that a run which does not give up takes longer than it may. */
const REFUSALS = 20_000;

type WrittenStory = (writes: Writes, dice: Dice) => Told;

function written(story: WrittenStory): Story {
  return (seed, dice) => {
    const writes = createWrites(seed, dice);
    return { ...story(writes, dice), world: { provesIndex: writes.provesIndex } };
  };
}

/** What a leader is written: in some schedules records of one length only, so that other histories fit on theirs. */
interface Writes {
  /** Whether an index that is written anew, as long as before, has to be noticed. */
  readonly provesIndex: boolean;
  put(needle?: number): LeaderEvent;
  some(atLeast: number, more: number): LeaderEvent[];
}

function createWrites(seed: number, dice: Dice): Writes {
  const provesIndex = dice.chance(0.4);
  const isUniform = dice.chance(0.6);
  const uniformBytes = dice.oneOf([1, 40, 300, 600]);
  // Nothing is written twice or deleted: a compaction leaves every record where it was.
  const isFresh = dice.chance(0.2);
  const deleteShare = isFresh ? 0 : dice.oneOf([0, 0.2, 0.4]);
  const emptyShare = dice.oneOf([0, 0.3]);
  let [fill, next] = [seed * 1000, 0];
  const needleOf = () =>
    isFresh ? ++next : isUniform && dice.chance(0.5) ? 1 + (next++ % NEEDLES) : 1 + dice.below(NEEDLES);
  const put = (needle = needleOf()): LeaderEvent => {
    const sizeBytes = isUniform ? uniformBytes : dice.chance(emptyShare) ? 0 : 1 + dice.below(900);
    return { do: 'put', volume: VOLUME, needle, sizeBytes, fill: ++fill };
  };
  return {
    provesIndex,
    put,
    some: (atLeast, more) =>
      Array.from({ length: atLeast + dice.below(more + 1) }, () =>
        dice.chance(deleteShare) ? { do: 'delete', volume: VOLUME, needle: needleOf() } : put(),
      ),
  };
}

/** The leader becomes another one while nobody looks. */
const changedBetween: WrittenStory = (writes, dice) => {
  const operations: Operation[] = [...writes.some(3, 12), backup(dice)];
  for (let syncs = 1 + dice.below(3); syncs > 0; syncs--)
    operations.push(...upheaval(writes, dice), ...writes.some(0, 14), backup(dice));
  return { operations };
};

/** The leader becomes another one between two messages of a run. */
const changedDuring: WrittenStory = (writes, dice) => {
  const operations: Operation[] = [...writes.some(2, 10)];
  if (dice.chance(0.8)) operations.push(backup(dice), ...writes.some(1, 12));
  if (dice.chance(0.4)) operations.push(onVolume('vacuum'));
  // A lone deletion at the tail is asked for by itself, and its needle may be back before the answer.
  const lone = 1 + dice.below(NEEDLES);
  const isLone = dice.chance(0.3);
  if (isLone) operations.push(backup(dice), { do: 'delete', volume: VOLUME, needle: lone });
  // A compaction that opens and fails inside a second of a step is more than can be seen, and a tail goes with its server.
  const seen = upheaval(writes, dice).filter((event) => !['fail-commit', 'lose-tail'].includes(event.do));
  const events = isLone ? [writes.put(lone)] : [...seen, ...writes.some(0, 10)];
  operations.push(backup(dice, during(events, dice)), backup(dice));
  return { operations };
};

/** A build is cut short, the leader goes on, and so does the build. */
const builtInParts: WrittenStory = (writes, dice) => {
  const cut: Moment = {
    before: 'message',
    count: 6 + dice.below(2 * MESSAGES),
    event: dice.chance(0.5) ? { do: 'crash', kind: 'process' } : { do: 'drop' },
  };
  const operations: Operation[] = [...writes.some(6, 14)];
  if (dice.chance(0.7)) operations.push(backup(dice), ...writes.some(2, 8), onVolume('vacuum'));
  operations.push(backup(dice, [cut]), ...upheaval(writes, dice), ...writes.some(0, 8), backup(dice));
  return { operations };
};

/** The leader says nothing any more, or nothing but no: a run gives up. */
const unheard: WrittenStory = (writes, dice) => {
  const count = 1 + dice.below(MESSAGES);
  const moment: Moment = dice.chance(0.5)
    ? { before: 'message', count, event: { do: 'refuse-connections', count: REFUSALS } }
    : { before: 'message', count, event: { do: 'stall', forMs: FOR_EVER_MS } };
  return { operations: [...writes.some(3, 5), backup(dice, [moment]), ...writes.some(1, 3), backup(dice)] };
};

/** A leader that is compacted faster than ranges end is copied all the same. */
const compactedAgainAndAgain: WrittenStory = (writes, dice) => {
  // More than from a first status to the fence behind the opening of the streams, which reads 4 KiB twice in pieces of 96
  // bytes; less than the ranges of most volumes take.
  const every = 210 + dice.below(60);
  const moments = Array.from(
    { length: 12 },
    (_, i): Moment => ({
      before: 'message',
      count: every * (i + 1),
      event: onVolume('vacuum'),
    }),
  );
  return {
    operations: [
      ...writes.some(8, 8),
      backup(dice),
      ...writes.some(6, 8),
      onVolume('vacuum'),
      backup(dice, moments),
    ],
    mustSucceed: true,
  };
};

function upheaval(writes: Writes, dice: Dice): LeaderEvent[] {
  const one = (name: Parameters<typeof onVolume>[0]) => onVolume(name, dice.below(1 << 16));
  const told: readonly (readonly [number, () => LeaderEvent[]])[] = [
    [4, () => [onVolume('vacuum')]],
    [4, () => [one('remake'), ...writes.some(4, 14)]],
    [3, () => []],
  ];
  // Only a proof of the whole index tells of rows that changed and are as many as before.
  const untold: readonly (readonly [number, () => LeaderEvent[]])[] = [
    [6, () => [one('lose-tail'), ...writes.some(1, 5)]],
    [2, () => [one('fix-index')]],
    [2, () => [one('tombstone-at-0')]],
    [1, () => [one('unindexed-record')]],
    [1, () => [one('tear-tail')]],
    [1, () => [onVolume('compact')]],
    [1, () => [onVolume('compact'), onVolume('fail-commit')]],
  ];
  return dice.pick(writes.provesIndex ? [...told, ...untold] : told)();
}

function during(events: readonly LeaderEvent[], dice: Dice): Moment[] {
  const first = 1 + dice.below(MESSAGES);
  return events.map((event, i) => ({ before: 'message', count: first + i, event }));
}

/**
 * Schedules of the simulated world in which much happens to the leader between two syncs and in the middle of one, where
 * the general ones have it now and then: records of equal lengths, histories that are other ones, tails that are lost.
 */
export const followHunt = storyHunt('follow', [
  [6, written(changedBetween)],
  [6, written(changedDuring)],
  [3, written(builtInParts)],
  [1, written(unheard)],
  [2, written(compactedAgainAndAgain)],
]);
