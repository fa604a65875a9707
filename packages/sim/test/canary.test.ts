import type { Disk, DiskFile, StoreEnvironment } from '@holdfast/store';
import { expect, test } from 'vitest';
import { generateSchedule, runSchedule } from '../src/index.js';

/** A follower whose disk is asked for less than it should be. */
function broken(change: (file: DiskFile, path: string) => DiskFile, disk: Partial<Disk> = {}) {
  return (env: StoreEnvironment): StoreEnvironment => ({
    ...env,
    disk: {
      ...env.disk,
      ...disk,
      open: async (path, options) => change(await env.disk.open(path, options), path),
    },
  });
}

const withoutSync = (suffix: RegExp) =>
  broken((file, path) => (suffix.test(path) ? { ...file, syncData: async () => {} } : file));

/** A follower whose marks that something is held come to nothing. */
const withoutHolds = (env: StoreEnvironment): StoreEnvironment => ({
  ...env,
  disk: {
    ...env.disk,
    rename: (from, to) => (to.endsWith('/hold.json') ? env.disk.remove(from) : env.disk.rename(from, to)),
  },
});

const canaries = {
  'holds nothing': withoutHolds,
  'never syncs its data': withoutSync(/\.dat$/),
  'never syncs its index': withoutSync(/\.idx$/),
  'never syncs its position': withoutSync(/position\.json\.tmp$/),
  'never syncs a directory': broken((file) => file, { syncDirectory: async () => {} }),
  'writes one byte in a thousand wrongly': broken((file, path) =>
    /\.dat$/.test(path)
      ? {
          ...file,
          writeAt: (offset, bytes) =>
            file.writeAt(
              offset,
              bytes.map((byte, at) => ((offset + at) % 1000 === 999 ? byte ^ 1 : byte)),
            ),
        }
      : file,
  ),
};

/** As many schedules as a canary may live through. */
const SCHEDULES_MAX = 200;

test.each(Object.entries(canaries))('a follower that %s is found out', async (_what, sabotage) => {
  for (let seed = 1; seed <= SCHEDULES_MAX; seed++) {
    const { violation } = await runSchedule(generateSchedule(seed, 'safety'), { sabotage });
    if (violation === undefined) continue;
    expect(violation.rule).toMatch(
      /durable first|last good generation|prefix safety|identity|self-recovery|live set|convergence|loss guard/,
    );
    return;
  }
  expect.fail(`${SCHEDULES_MAX} schedules found nothing`);
});
