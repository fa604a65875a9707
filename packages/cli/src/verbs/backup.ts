import { type KnownVolume, type SyncReport, syncVolumes } from '@holdfast/follower';
import { formatVolumeName } from '@holdfast/format';
import { openCluster } from '../cluster.js';
import { combineExitCodes, exitCodes } from '../exit-code.js';
import { createProgressView } from '../progress.js';
import { createRateLimit } from '../rate-limit.js';
import { describeReport, reportExitCode, toReportLine } from '../report-line.js';
import { readSecurity } from '../security.js';
import { openStatusWriter } from '../status-file.js';
import { policyOf, selectionOf, syncFlags } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
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
    const { env, timers, output, log, signal } = context;
    const selection = selectionOf(flags);
    const maxRate = flags['max-rate'];
    const cluster = openCluster({
      masters: flags.master,
      security: await readSecurity(flags),
      selection,
      rateLimit: maxRate === undefined ? undefined : createRateLimit(maxRate, env.clock, timers),
      context,
    });
    const known = await cluster.list(signal);
    assertMatched(known, selection);
    const directory = await openWorkingDirectory(context, {
      path: flags.dir,
      clusterId: await cluster.clusterId(signal),
      takesOver: flags['take-over'],
    });
    const progress = createProgressView({
      clock: env.clock,
      terminal: progressTerminal(context),
      writeLine: (line) => output.event({}, output.isJson ? undefined : line),
      volumeCount: known.length,
    });
    try {
      const status = await openStatusWriter(env, directory.path, 'backup');
      const reports = await syncVolumes(known, {
        directory: directory.path,
        env,
        timers,
        policy: policyOf(flags),
        takeOver: flags['take-over'],
        assertLocked: directory.assertLocked,
        onProgress: progress.update,
        signal,
        async onReport(report) {
          log.info({ report }, 'synced');
          await status.noteReport(report);
          if (output.isJson) output.event({ event: 'volume', ...toReportLine(report) });
          else progress.finish(report.id, describeReport(report));
        },
      });
      progress.close();
      return summarize(reports, context);
    } finally {
      progress.close();
      await directory.release();
    }
  },
});

function assertMatched(known: readonly KnownVolume[], selection: VolumeSelection): void {
  const missing = namedVolumes(selection).filter((id) => !known.some(({ volume }) => volume.volumeId === id));
  if (missing.length > 0) {
    throw new UsageError(
      `nothing matched: the cluster lists no volume ${missing.join(', ')} for ${describeSelection(selection)}; check --volume and --collection`,
    );
  }
  if (known.length === 0) {
    throw new UsageError(
      `nothing matched: the cluster lists no volume for ${describeSelection(selection)}; check --master, --volume and --collection`,
    );
  }
}

function summarize(reports: readonly SyncReport[], { output }: VerbContext) {
  const exitCode = combineExitCodes(reports.map(reportExitCode));
  const failed = reports.filter(({ ok }) => !ok);
  const total = (field: 'bytesReceived' | 'datSize') =>
    reports.reduce((sum, report) => sum + report[field], 0);
  const proved =
    failed.length === 0
      ? `${reports.length} of ${reports.length} volumes proved equal`
      : `${reports.length - failed.length} of ${reports.length} volumes proved equal; not proved: ${failed
          .map(({ id, collection }) => formatVolumeName({ volumeId: id, collection }))
          .join(', ')}`;
  const guard =
    exitCode === exitCodes.lossGuard
      ? '; many live needles have vanished: the former state is held until it is released'
      : '';
  output.summary(
    { ok: failed.length === 0, volumes: reports.map(toReportLine) },
    `${proved}, ${total('datSize')} bytes held, ${total('bytesReceived')} received${guard}`,
  );
  return exitCode;
}

/** Bars go to standard error, and only where a person looks at both. */
function progressTerminal({ output }: VerbContext): NodeJS.WriteStream | undefined {
  return !output.isJson && output.sink.isTerminal && process.stderr.isTTY ? process.stderr : undefined;
}
