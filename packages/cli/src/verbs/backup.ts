import { resolve } from 'node:path';
import { type KnownVolume, type SyncReport, syncVolumes } from '@holdfast/follower';
import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { LeaderError } from '@holdfast/protocol';
import { listVolumeHomes } from '@holdfast/store';
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
import { describeSelection, isSelected, namedVolumes, type VolumeSelection } from '../volume-selection.js';
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
    const vanished = await findVanished(known, selection, flags.dir, context);
    assertMatched(known, vanished, selection);
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
      for (const { volumeId: id, collection } of vanished) {
        const name = formatVolumeName({ volumeId: id, collection });
        output.event(
          { event: 'vanished', id, collection },
          `volume ${name}: no server has it now; the copy is kept`,
        );
      }
      return summarize(reports, context);
    } finally {
      progress.close();
      await directory.release();
    }
  },
});

/** Volumes that DIR holds and the selection takes in, but no server has now: they are kept, and told. */
async function findVanished(
  known: readonly KnownVolume[],
  selection: VolumeSelection,
  path: string,
  { env }: VerbContext,
): Promise<readonly VolumeName[]> {
  const listed = new Set(known.map(({ volume }) => formatVolumeName(volume)));
  const held = await listVolumeHomes(env, resolve(path));
  return held.filter(
    (name) => isSelected(selection, name.volumeId, name.collection) && !listed.has(formatVolumeName(name)),
  );
}

/** A volume that was asked for by its id must be there; so must any at all. */
function assertMatched(
  known: readonly KnownVolume[],
  vanished: readonly VolumeName[],
  selection: VolumeSelection,
): void {
  const has = (volumes: readonly VolumeName[], id: number) => volumes.some(({ volumeId }) => volumeId === id);
  const listed = known.map(({ volume }) => volume);
  const missing = namedVolumes(selection).filter((id) => !has(listed, id));
  const down = missing.length === 0 && known.length > 0 ? [] : missing.filter((id) => has(vanished, id));
  if (down.length > 0 || (known.length === 0 && vanished.length > 0)) {
    const which = down.length > 0 ? `volume ${down.join(', ')}` : 'any volume';
    throw new LeaderError(
      'unreachable',
      `no volume server of the cluster has ${which} now; the copy here is kept`,
    );
  }
  if (missing.length === 0 && known.length > 0) return;
  const what = missing.length > 0 ? `no volume ${missing.join(', ')}` : 'no volume';
  throw new UsageError(
    `nothing matched: the cluster lists ${what} for ${describeSelection(selection)}; check --master, --volume and --collection`,
  );
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
