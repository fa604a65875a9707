import { createSimulatedEnvironment } from '@holdfast/testkit';
import { begin, copiedFiles, DIRECTORY, expectSame, goOn, settle } from '../copied-volume.js';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { ledByStock, VOLUME_ID } from '../led-volume.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';

const DAT = `${DIRECTORY}/${VOLUME_ID}.dat`;
const IDX = `${DIRECTORY}/${VOLUME_ID}.idx`;
const CHANGES_MAX = 3;

/**
 * A leader that tells the truth, and changed files where its follower looks for records: files that nobody vouches for,
 * and those of a copy, its former generation included. Whatever is in them, the copy becomes the leader's.
 */
export const poolFiles: FuzzTarget = {
  name: 'pool-files',
  share: 3,
  async prepare() {
    const young = await ledByStock(begin);
    const leaders = [
      await ledByStock((volume) => {
        begin(volume);
        volume.vacuum();
        goOn(volume);
      }),
      await ledByStock((volume) => {
        goOn(volume);
        begin(volume);
      }),
    ];
    const foreign = new Map([
      [DAT, young.dat],
      [IDX, young.idx],
    ]);
    const directories = [foreign, await copiedFiles(young), await rebuiltFiles()];
    return {
      make: (dice) => changedFiles(dice, directories, leaders.length),
      async run(input) {
        const [head, ...changes] = unpackParts(input, 1 + 2 * CHANGES_MAX);
        const files = directories[(head![0] ?? 0) % directories.length]!;
        const led = leaders[(head![1] ?? 0) % leaders.length]!;
        const env = createSimulatedEnvironment({ seed: 1 });
        env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
        for (const [path, bytes] of files) env.disk.plant(path, bytes);
        const paths = [...files.keys()];
        for (let i = 0; i + 1 < Math.min(changes.length, 2 * (head![2] ?? 0)); i += 2)
          env.disk.plant(paths[(changes[i]![0] ?? 0) % paths.length]!, changes[i + 1]!);
        const report = await settle(env, led);
        expectThat(report.ok, `it is not built: ${report.code} ${report.error}`);
        expectSame(env.disk.peek(DAT), led.dat, '.dat');
        expectSame(env.disk.peek(IDX), led.idx, '.idx');
      },
    };
  },
};

/** A copy that was built twice: the first build is kept as its former generation. */
async function rebuiltFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const first = await copiedFiles(await ledByStock(begin));
  const compacted = await ledByStock((volume) => {
    begin(volume);
    volume.vacuum();
  });
  return copiedFiles(compacted, first);
}

/** Head: which directory, which leader, how many changes; then number and content of each changed file. */
function changedFiles(
  dice: Dice,
  directories: readonly ReadonlyMap<string, Uint8Array>[],
  leaders: number,
): Uint8Array {
  const directory = dice.below(directories.length);
  const files = [...directories[directory]!];
  const parts: Uint8Array[] = [];
  const changes = 1 + dice.below(CHANGES_MAX);
  for (let i = 0; i < changes; i++) {
    // Records lie in few of the files.
    const isOfRecords = dice.once(2);
    const among = files.flatMap(([path], number) =>
      !isOfRecords || /\.(dat|idx)$/.test(path) ? [number] : [],
    );
    const number = dice.pick(among);
    const bytes = files[number]![1];
    parts.push(Uint8Array.of(number), dice.once(12) ? new Uint8Array(0) : mutate(dice, [bytes]));
  }
  return packParts([Uint8Array.of(directory, dice.below(leaders), changes), ...parts]);
}
