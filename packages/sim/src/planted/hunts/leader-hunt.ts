import type { LeaderEvent } from '../../schedule/schedule.js';
import { atMessage, backup, createRow, type Story, storyHunt } from './story-hunt.js';

const DATA_BYTES = 200;

/** Somebody is told that a write is there, and that instant the machine stops. */
const crashedWhenTold: Story = (seed, dice) => {
  const { row } = createRow(seed, 1 + dice.below(DATA_BYTES));
  const kind = dice.oneOf(['power', 'nothing', 'everything', 'process'] as const);
  const events: LeaderEvent[] = [...row(1 + dice.below(3)), { do: 'crash-leader', kind }];
  const operations = [...row(3, 10), backup(dice, atMessage(1 + dice.below(12), events)), backup(dice)];
  return { operations, world: { leader: 'holdfast', queuedShare: dice.oneOf([0.5, 1]) } };
};

/** Holdfast's own leader, on a machine that stops. */
export const leaderHunt = storyHunt('leader', [[1, crashedWhenTold]]);
