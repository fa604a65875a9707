import type { LeaderEvent, Operation } from '../../schedule/schedule.js';
import { backup, onVolume, type Story, storyHunt, VOLUME } from './story-hunt.js';

const NEEDLES = 6;

/** Commits one after another, in one generation or over several, and going back to some of them. */
const commitsAndRestores: Story = (seed, dice) => {
  let fill = seed * 1000;
  const write = (): LeaderEvent =>
    dice.chance(0.2)
      ? { do: 'delete', volume: VOLUME, needle: 1 + dice.below(NEEDLES) }
      : {
          do: 'put',
          volume: VOLUME,
          needle: 1 + dice.below(NEEDLES),
          sizeBytes: dice.below(300),
          fill: ++fill,
        };
  const operations: Operation[] = [];
  const commits = 2 + dice.below(5);
  for (let i = 0; i < commits; i++) {
    if (dice.chance(0.2)) operations.push(onVolume('vacuum'));
    for (let writes = 1 + dice.below(4); writes > 0; writes--) operations.push(write());
    operations.push(backup(dice));
  }
  for (let restores = 3; restores > 0; restores--)
    operations.push({ do: 'restore', volume: VOLUME, reportsAgo: dice.below(commits) });
  return { operations, world: { leader: dice.oneOf(['stock-4.48', 'stock-4.44', 'holdfast']) } };
};

export const restoreHunt = storyHunt('restore', [[1, commitsAndRestores]]);
