import { defaultSyncPolicy } from '@holdfast/follower';
import { compactVolume } from '@holdfast/store';
import { exitCodes } from '../exit-code.js';
import { sizeBytes } from '../flag-values.js';
import { offlineFlags, withOfflineVolumes } from '../offline-volumes.js';
import { formatBytes } from '../output.js';
import { defineVerb } from '../verb.js';

export const compact = defineVerb({
  name: 'compact',
  summary:
    'rewrites volumes without what was deleted, in the order of the file; no server may have them open',
  positionals: [],
  flags: {
    ...offlineFlags,
    'min-free': {
      kind: 'option',
      placeholder: 'SIZE',
      help: 'what must stay free on the disk beside the new files',
      parse: sizeBytes(0),
      fallback: `${defaultSyncPolicy.minFreeBytes / 2 ** 20}MiB`,
    },
  },
  examples: ['holdfast compact --dir /data --volume 7'],
  async run(flags, _positionals, context) {
    const { env, output, signal } = context;
    const results = await withOfflineVolumes(flags, context, async (directory, { baseName: name }) => {
      const report = await compactVolume(env, { directory, name, minFreeBytes: flags['min-free'], signal });
      const { damagedNeedles, datSizeBytesBefore, datSizeBytes, idxSizeBytesBefore, idxSizeBytes } = report;
      const result = {
        volume: name,
        ok: damagedNeedles === 0,
        revision: report.compactionRevision,
        needles: report.keptNeedles,
        datSizeBefore: datSizeBytesBefore,
        datSize: datSizeBytes,
        idxSizeBefore: idxSizeBytesBefore,
        idxSize: idxSizeBytes,
        damagedNeedles,
      };
      const damage =
        damagedNeedles === 0 ? '' : `, ${damagedNeedles} damaged needles carried over as they are`;
      output.event(
        { event: 'compacted', ...result },
        `volume ${name}: revision ${result.revision}, ${formatBytes(datSizeBytesBefore)} became ${formatBytes(datSizeBytes)}, ${result.needles} needles${damage}`,
      );
      return result;
    });
    const ok = results.every((result) => result.ok);
    output.summary(
      { ok, volumes: results },
      ok ? 'done' : 'done; damaged needles remain: see holdfast verify',
    );
    return ok ? exitCodes.done : exitCodes.damaged;
  },
});
