import type { LeaderEvent, Moment, World } from '../../schedule/schedule.js';
import { atMessage, backup, createRow, onVolume, type Story, storyHunt, VOLUME } from './story-hunt.js';

/** Data of one record: so few of them that the last 4 KiB, which every proof reads, are a part of the volume. */
const DATA_BYTES = 600;

const WORLD: Partial<World> = { steps: 'small', messageBytes: 700 };

/** The volume is made anew while it is built out of what is held of a former one: the same sizes, other bytes. */
const remadeDuringBuild: Story = (seed, dice) => {
  const { row } = createRow(seed, DATA_BYTES);
  const count = 12 + dice.below(12);
  const again = [onVolume('remake'), ...row(count + dice.below(2))];
  const operations = [...row(count), backup(dice), onVolume('remake'), ...row(count)];
  operations.push(backup(dice, atMessage(1 + dice.below(200), again)), backup(dice));
  return { operations, world: { ...WORLD, provesIndex: dice.chance(0.5) } };
};

/** A build is cut short; the leader loses the end of what it aims at, and writes something else as long. */
const endChangesBetweenParts: Story = (seed, dice) => {
  const { row } = createRow(seed, DATA_BYTES);
  const count = 12 + dice.below(8);
  const gone = (): LeaderEvent[] => [
    { do: 'delete', volume: VOLUME, needle: 1 },
    { do: 'delete', volume: VOLUME, needle: 2 },
  ];
  const cut: Moment = {
    before: 'message',
    count: 20 + dice.below(200),
    event: dice.chance(0.5) ? { do: 'crash', kind: 'process' } : { do: 'drop' },
  };
  const operations = [...row(count), backup(dice), onVolume('remake'), ...row(count), ...gone()];
  operations.push(backup(dice, [cut]), onVolume('lose-tail', 1), ...gone().reverse());
  operations.push(backup(dice), backup(dice));
  return { operations, world: { ...WORLD, provesIndex: false } };
};

/** What a pool has of the leader's records has rotted. */
const rottenPool: Story = (seed, dice) => {
  const { row, put } = createRow(seed, DATA_BYTES);
  const count = 6 + dice.below(8);
  const operations = [...row(count), backup(dice)];
  const place = dice.chance(0.5) ? 8 + 16 + dice.below(4) : dice.below(1 << 20);
  operations.push({ do: 'rot', volume: VOLUME, place, bit: dice.below(8) });
  operations.push(put(count), onVolume('vacuum'), backup(dice));
  return { operations, world: WORLD };
};

/** New generations out of a pool and the leader, of volumes that are longer than what a proof reads. */
export const buildHunt = storyHunt('build', [
  [1, remadeDuringBuild],
  [1, endChangesBetweenParts],
  [1, rottenPool],
]);
