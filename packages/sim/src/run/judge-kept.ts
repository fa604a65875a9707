import { startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import { DIRECTORY } from '../world/follower-runs.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/** After lies: what was reported before them is still there, as what is held or as what is kept. */
export function judgeKept({ machine, reported, rotten, figures }: SimulatedWorld): void {
  const { disk } = machine;
  for (const [volumeId, reports] of reported) {
    const last = reports.at(-1);
    if (last === undefined || rotten.has(volumeId)) continue;
    count(figures, 'good generations after lies');
    const isKept = (['dat', 'idx'] as const).every((kind) =>
      disk
        .files()
        .filter((path) => isFileOf(path, volumeId, kind))
        .some((path) => startsWith(disk.peek(path), last[kind])),
    );
    if (!isKept)
      throw new Violation(
        'last good generation',
        `volume ${volumeId}: the reported files after lies`,
        'neither held nor kept',
      );
  }
}

/** A generation keeps the indexes that others have taken the place of, under a number behind their name. */
function isFileOf(path: string, volumeId: number, kind: 'dat' | 'idx'): boolean {
  return path.startsWith(`${DIRECTORY}/`) && new RegExp(`/${volumeId}\\.${kind}(\\.[0-9]+)?$`).test(path);
}
