import { resolve } from 'node:path';
import {
  createVanishWatch,
  FollowError,
  failedReport,
  type KnownVolume,
  type SyncReport,
  syncVolumes,
  unnameableReport,
  type VanishedVolume,
} from '@holdfast/follower';
import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { listVolumeHomes, openAbsenceLedger } from '@holdfast/store';
import { openCluster } from '../cluster.js';
import { combineExitCodes, type ExitCode, exitCodes } from '../exit-code.js';
import { type Explanation, explainError, formatExplanation } from '../explain-error.js';
import { showForecast } from '../forecast.js';
import { createProgressView, progressTerminal } from '../progress.js';
import { describeReport, reportExitCode, toReportLine, volumeLabel } from '../report-line.js';
import { readSecurity } from '../security.js';
import { openStatusBook } from '../status-book.js';
import { pruneAfterMs, selectionOf, syncContextOf, syncFlags } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { announceVanished } from '../vanished-line.js';
import { defineVerb, type VerbContext } from '../verb.js';
import { describeSelection, namedVolumes, type VolumeSelection } from '../volume-selection.js';
import { openWorkingDirectory } from '../working-directory.js';

export const backup = defineVerb({
  name: 'backup',
  summary: 'brings a copy of every selected volume to its leader, once, and proves it',
  positionals: [],
  flags: syncFlags,
  examples: [
    'holdfast backup --master 127.0.0.1:9333 --dir /backup',
    'holdfast backup --master 127.0.0.1:9333 --dir /backup --volume 3,7-12 --json',
  ],
  async run(flags, _positionals, context) {
    const { env, output, log, signal } = context;
    const selection = selectionOf(flags);
    const cluster = openCluster({
      masters: flags.master,
      security: await readSecurity(flags),
      selection,
      context,
    });
    const listing = await cluster.list(signal);
    const held = (await listVolumeHomes(env, resolve(flags.dir))).filter(cluster.selects);
    const unnameable = listing.unnameable ?? [];
    assertMatched([...listing.volumes.map(({ volume }) => volume), ...unnameable, ...held], selection);
    if (flags['dry-run'])
      return await showForecast({ flags, clusterId: await cluster.clusterId(signal), listing }, context);
    const directory = await openWorkingDirectory(context, {
      path: flags.dir,
      clusterId: await cluster.clusterId(signal),
      takesOver: flags['take-over'],
    });
    const progress = await createProgressView({
      clock: env.clock,
      terminal: progressTerminal(output),
      writeLine: (line) => output.event({}, output.isJson ? undefined : line),
      volumeCount: listing.volumes.length,
    });
    try {
      await using status = await openStatusBook(context, { directory: directory.path, verb: 'backup' });
      const syncContext = syncContextOf(flags, directory, context);
      const reports = await syncVolumes(listing, {
        ...syncContext,
        onProgress: progress.update,
        signal,
        async onReport(report) {
          log.info({ report }, 'synced');
          status.noteReport(report);
          if (output.isJson) output.event({ event: 'volume', ...toReportLine(report) });
          else progress.finish(report.id, describeReport(report));
        },
      });
      progress.close();
      const refused = unnameable.map(unnameableReport);
      for (const report of refused)
        output.event({ event: 'volume', ...toReportLine(report) }, describeReport(report));
      const vanishWatch = createVanishWatch({
        ...syncContext,
        source: cluster,
        absences: await openAbsenceLedger(env, directory.path),
        pruneAfterMs: pruneAfterMs(flags),
      });
      const vanished = await vanishWatch.judge(listing, held);
      for (const volume of vanished) {
        status.noteVanished(volume);
        announceVanished(volume, output);
      }
      const unwritten = await status.close().then(() => undefined, explainError);
      return summarize(
        [...reports, ...refused, ...missedReports(listing.volumes, vanished, selection)],
        unwritten,
        context,
      );
    } finally {
      progress.close();
      await directory.release();
    }
  },
});

/** A volume that was asked for by its id must be there, or be held; so must any at all. */
function assertMatched(there: readonly VolumeName[], selection: VolumeSelection): void {
  const missing = namedVolumes(selection).filter((id) => !there.some(({ volumeId }) => volumeId === id));
  if (missing.length === 0 && there.length > 0) return;
  const what = missing.length > 0 ? `no volume ${missing.join(', ')}` : 'no volume';
  throw new UsageError(
    `nothing matched: the cluster lists ${what} for ${describeSelection(selection)}; check --master, --volume and --collection`,
  );
}

/** Volumes that were asked for by their ids, or all that there are, and that no server has now: they have failed. */
function missedReports(
  known: readonly KnownVolume[],
  vanished: readonly VanishedVolume[],
  selection: VolumeSelection,
): readonly SyncReport[] {
  const named = namedVolumes(selection);
  return vanished
    .filter(
      ({ volume, outcome }) =>
        outcome !== 'pruned' && (known.length === 0 || named.includes(volume.volumeId)),
    )
    .map(({ volume }) => {
      const message = `volume ${formatVolumeName(volume)}: no volume server of the cluster has it now; the copy here is kept`;
      const { volumeId } = volume;
      return failedReport(volume, new FollowError('leader-unreachable', message, { volumeId }));
    });
}

/** `unwritten`: why the status of the run could not be kept. */
function summarize(
  reports: readonly SyncReport[],
  unwritten: Explanation | undefined,
  { output }: VerbContext,
): ExitCode {
  const exitCode = combineExitCodes([
    ...reports.map(reportExitCode),
    ...(unwritten === undefined ? [] : [unwritten.exitCode]),
  ]);
  const failed = reports.filter(({ ok }) => !ok);
  const total = (field: 'bytesReceived' | 'datSize') =>
    reports.reduce((sum, report) => sum + report[field], 0);
  const proved =
    failed.length === 0
      ? `${reports.length} of ${reports.length} volumes proved equal`
      : `${reports.length - failed.length} of ${reports.length} volumes proved equal; not proved: ${failed
          .map(({ id, collection }) => volumeLabel({ volumeId: id, collection }))
          .join(', ')}`;
  const guard =
    exitCode === exitCodes.lossGuard
      ? '; many live needles have vanished: the former state is held until it is released'
      : '';
  const status =
    unwritten === undefined ? '' : `; the status was not written: ${formatExplanation(unwritten)}`;
  output.summary(
    {
      ok: failed.length === 0 && unwritten === undefined,
      volumes: reports.map(toReportLine),
      ...(unwritten === undefined ? {} : { code: unwritten.code, error: formatExplanation(unwritten) }),
    },
    `${proved}, ${total('datSize')} bytes held, ${total('bytesReceived')} received${guard}${status}`,
  );
  return exitCode;
}
