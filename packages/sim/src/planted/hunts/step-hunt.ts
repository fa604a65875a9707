import { PAUSE_MS } from '../../run/run-operation.js';
import type { LeaderEvent, Moment } from '../../schedule/schedule.js';
import { atMessage, backup, createRow, onVolume, type Story, storyHunt, VOLUME } from './story-hunt.js';

const DATA_BYTES = 600;
/** Of their records three are longer than what a proof reads. */
const LARGE_DATA_BYTES = 1600;
/** Of a run's first step, until it is committed. What is lost after that without a trace in stamps is no concern of the step. */
const STEP_MESSAGES = 26;

/**
 * The server's process dies in the middle of a step, with records of no stamp that nothing had synced, and comes back. Their
 * clients send them again, with the times that they had, and one of them with other data.
 */
const restartedDuringStep: Story = (seed, dice) => {
  const { row, put } = createRow(seed, LARGE_DATA_BYTES);
  const lost = row(4);
  const clock = (byMs: number) => ({ do: 'step-leader-clock', byMs }) as const;
  const again = [put(1), ...lost.slice(1).flatMap((each) => [clock(PAUSE_MS), each]), clock(PAUSE_MS)];
  const operations = [...row(2, 10), backup(dice), ...row(3, 20), ...lost];
  const events = [
    // Four records, and nothing torn is left behind.
    onVolume('lose-tail', 7),
    { do: 'restart-leader' } as const,
    clock(-lost.length * PAUSE_MS),
    ...again,
  ];
  operations.push(backup(dice, atMessage(1 + dice.below(STEP_MESSAGES), events)), backup(dice));
  return { operations, world: { steps: 'default', messageBytes: 700, version: 2 } };
};

/** The network cuts the beginning of the file short, as if it were over: where the file ends is not known by that. */
const frontCutShort: Story = (seed, dice) => {
  const { row } = createRow(seed, DATA_BYTES);
  const cut: Moment = { before: 'message', count: 4 + dice.below(12), event: { do: 'truncate' } };
  const operations = [...row(5 + dice.below(8)), backup(dice), ...row(3), backup(dice, [cut]), backup(dice)];
  return { operations, world: { steps: dice.oneOf(['small', 'default']) } };
};

/** The network cuts short what the leader says of an open compaction, and then the compaction fails. */
const probeCutShort: Story = (seed, dice) => {
  const { row } = createRow(seed, DATA_BYTES);
  const first = 1 + dice.below(8);
  const cut: Moment = { before: 'message', count: first, event: { do: 'truncate' } };
  const failed: Moment = {
    before: 'message',
    count: first + 1 + dice.below(12),
    event: onVolume('fail-commit'),
  };
  return { operations: [...row(1 + dice.below(12)), onVolume('compact'), backup(dice, [cut, failed])] };
};

/**
 * Between a status and what is read by it the volume is made anew, of longer records: the tail of the status lies inside one of
 * them, and the index that goes with it knows that one already.
 */
const remadeBehindStatus: Story = (seed, dice) => {
  const small = createRow(seed, DATA_BYTES / 2);
  const large = createRow(seed + 0.5, DATA_BYTES / 2 + 1 + dice.below(DATA_BYTES));
  const count = 2 + dice.below(6);
  const again = [onVolume('remake'), ...large.row(count + 3 + dice.below(3))];
  const operations = [...small.row(count), backup(dice), ...small.row(3)];
  operations.push(backup(dice, atMessage(4 + dice.below(24), again)));
  return { operations, world: { steps: 'least', provesIndex: false } };
};

/** Bytes behind the last record make none, or what the server had not synced is gone. */
const otherTail: Story = (seed, dice) => {
  const { put, row } = createRow(seed, 1 + dice.below(DATA_BYTES));
  const change = onVolume(dice.oneOf(['tear-tail', 'lose-tail']), dice.below(1 << 16));
  const operations = [...row(3 + dice.below(6)), backup(dice), change];
  if (dice.chance(0.5)) operations.push(backup(dice));
  for (let writes = dice.below(3); writes > 0; writes--) operations.push(put(1 + dice.below(4)));
  return { operations: [...operations, backup(dice), backup(dice)] };
};

/** Deletions and empty needles, whose records are alike, and an index that changes alone. */
const otherIndex: Story = (seed, dice) => {
  const { row } = createRow(seed, 1 + dice.below(20));
  const empty = createRow(seed + 0.5, 0);
  const some = (): LeaderEvent =>
    dice.chance(0.5)
      ? { do: 'delete', volume: VOLUME, needle: 1 + dice.below(4) }
      : empty.put(1 + dice.below(6));
  const change = onVolume(dice.oneOf(['tombstone-at-0', 'fix-index']), dice.below(1 << 16));
  const operations = [...row(4), backup(dice), some(), some(), backup(dice), change];
  if (dice.chance(0.5)) operations.push(some());
  return { operations: [...operations, backup(dice), some(), backup(dice)] };
};

/** A compaction whose commit fails leaves a volume that the server has and cannot read. */
const closedVolume: Story = (seed, dice) => {
  const { row } = createRow(seed, 1 + dice.below(DATA_BYTES));
  const operations = [...row(1 + dice.below(6)), ...(dice.chance(0.8) ? [backup(dice)] : [])];
  return { operations: [...operations, onVolume('compact'), onVolume('fail-commit'), backup(dice)] };
};

/** The disk does not give what the leader's bytes are to be compared with, and they are others. */
const unreadableOverlap: Story = (seed, dice) => {
  const { row } = createRow(seed, DATA_BYTES);
  const count = 1 + dice.below(4);
  const failed: Moment = {
    before: 'access',
    count: 10 + dice.below(30),
    event: { do: 'disk-error', code: 'disk-failed' },
  };
  const operations = [...row(count), backup(dice), onVolume('remake'), ...row(count + dice.below(2))];
  return { operations: [...operations, backup(dice, [failed]), backup(dice)] };
};

/** What a step believes while servers, networks, disks and tails fail. */
export const stepHunt = storyHunt('step', [
  [1, restartedDuringStep],
  [1, frontCutShort],
  [1, probeCutShort],
  [2, remadeBehindStatus],
  [1, otherTail],
  [1, otherIndex],
  [1, closedVolume],
  [1, unreadableOverlap],
]);
