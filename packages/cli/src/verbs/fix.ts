import { fixIndex } from '@holdfast/store';
import { exitCodes } from '../exit-code.js';
import { offlineFlags, withOfflineVolumes } from '../offline-volumes.js';
import { formatNeedleId } from '../output.js';
import { defineVerb } from '../verb.js';

export const fix = defineVerb({
  name: 'fix',
  summary: 'rebuilds the .idx of volumes out of their .dat; no server may have them open',
  positionals: [],
  flags: offlineFlags,
  examples: ['holdfast fix --dir /data --volume 7'],
  async run(flags, _positionals, context) {
    const { env, output, signal } = context;
    const results = await withOfflineVolumes(flags, context, async (directory, { baseName: name }) => {
      const { damaged, ...report } = await fixIndex(env, { directory, name, signal });
      const places = damaged.map(({ offset, needleId, reason }) => ({
        offset,
        needle: needleId === null ? null : formatNeedleId(needleId),
        reason,
      }));
      const result = { volume: name, ok: report.damagedCount === 0, ...report, damaged: places };
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
      return result;
    });
    const ok = results.every((result) => result.ok);
    output.summary(
      { ok, volumes: results },
      ok ? 'done' : 'done; damaged records remain: see holdfast verify',
    );
    return ok ? exitCodes.done : exitCodes.damaged;
  },
});
