import { fixIndex, lockDirectory } from '@holdfast/store';
import { exitCodes } from '../exit-code.js';
import { selectLocalVolumes } from '../local-volumes.js';
import { formatNeedleId } from '../output.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { defineVerb } from '../verb.js';

export const fix = defineVerb({
  name: 'fix',
  summary: 'rebuilds the .idx of volumes out of their .dat; no server may have them open',
  positionals: [],
  flags: {
    dir: directoryFlag,
    ...selectionFlags,
    detach: {
      kind: 'switch',
      help: 'also volumes that follow a leader: the next backup builds them anew, what was there being a source',
    },
  },
  examples: ['holdfast fix --dir /data --volume 7'],
  async run(flags, _positionals, { env, output, signal }) {
    const { directory, volumes } = await selectLocalVolumes(env, flags.dir, selectionOf(flags));
    const followed = volumes.filter(({ isFollowed }) => isFollowed).map(({ baseName }) => baseName);
    if (followed.length > 0 && !flags.detach) {
      throw new UsageError(
        `volume ${followed.join(', ')} follows a leader: holdfast backup mends it; give --detach to fix it all the same`,
      );
    }
    const lock = await lockDirectory(env, directory);
    try {
      const results = [];
      for (const { baseName: name } of volumes) {
        const { damaged, ...report } = await fixIndex(env, { directory, name, signal });
        const places = damaged.map(({ offset, needleId, reason }) => ({
          offset,
          needle: needleId === null ? null : formatNeedleId(needleId),
          reason,
        }));
        const result = { volume: name, ok: report.damagedCount === 0, ...report, damaged: places };
        results.push(result);
        const ambiguous =
          report.ambiguousRecords === 0
            ? ''
            : `, ${report.ambiguousRecords} records without data taken for deletions, which nothing tells`;
        const damage =
          report.damagedCount === 0 ? '' : `, ${report.damagedCount} damaged records kept as they are`;
        output.event(
          { event: 'fixed', ...result },
          `volume ${name}: ${report.entries} entries, ${report.liveNeedles} live needles${ambiguous}${damage}`,
        );
      }
      const ok = results.every((result) => result.ok);
      output.summary(
        { ok, volumes: results },
        ok ? 'done' : 'done; damaged records remain: see holdfast verify',
      );
      return ok ? exitCodes.done : exitCodes.damaged;
    } finally {
      await lock.release();
    }
  },
});
