import type { SyncReport } from '@holdfast/follower';
import { formatVolumeName, isSafeCollection, type VolumeName } from '@holdfast/format';
import { type ExitCode, exitCodes } from './exit-code.js';
import { adviceOf, exitCodeOf } from './explain-error.js';
import { formatBytes } from './output.js';

/** One volume of the summary object. The last three are there only where they say something. */
export interface ReportLine {
  readonly id: number;
  readonly collection: string;
  readonly outcome: SyncReport['outcome'];
  readonly revision: number;
  readonly datSize: number;
  readonly lastAppendAtNs: string;
  readonly bytesReceived: number;
  readonly bytesReused: number;
  readonly ok: boolean;
  readonly code: string | null;
  readonly error: string | null;
  readonly leaderTailBytes?: number;
  readonly lossGuard?: true;
  readonly plan?: NonNullable<SyncReport['plan']>;
}

/** The report as `--json` prints it. */
export function toReportLine(report: SyncReport): ReportLine {
  const { id, collection, outcome, revision, datSize, lastAppendAtNs, bytesReceived, bytesReused } = report;
  const { ok, code, error, leaderTailBytes, lossGuard, plan } = report;
  return {
    id,
    collection,
    outcome,
    revision,
    datSize,
    lastAppendAtNs,
    bytesReceived,
    bytesReused,
    ok,
    code,
    error,
    ...(leaderTailBytes === 0 ? {} : { leaderTailBytes }),
    ...(lossGuard ? { lossGuard } : {}),
    ...(plan === null ? {} : { plan }),
  };
}

/** The report on one line, for people. */
export function describeReport(report: SyncReport): string {
  const name = `volume ${volumeLabel({ volumeId: report.id, collection: report.collection })}`;
  if (!report.ok) {
    const advice = report.code === null ? '' : adviceOf(report.code);
    return `${name}: ${report.outcome} (${report.code}): ${report.error}${advice === '' ? '' : `: ${advice}`}`;
  }
  const tail =
    report.leaderTailBytes === 0 ? '' : `, ${report.leaderTailBytes} torn bytes on the leader left out`;
  const reused = report.bytesReused === 0 ? '' : `, ${formatBytes(report.bytesReused)} from the pool`;
  const why = report.plan === null ? '' : `: ${report.reason}`;
  const guard = report.lossGuard ? ', loss guard tripped: the former state is held' : '';
  return `${name}: ${report.outcome}, revision ${report.revision}, ${formatBytes(report.datSize)}, ${report.liveNeedles} live needles, ${formatBytes(report.bytesReceived)} received${reused}${tail}${guard}${why}`;
}

/** What people call a volume, also one that no file can be named after. */
export function volumeLabel(name: VolumeName): string {
  if (isSafeCollection(name.collection)) return formatVolumeName(name);
  return `${JSON.stringify(name.collection)}_${name.volumeId}`;
}

/** What this volume alone makes of the exit code. */
export function reportExitCode(report: SyncReport): ExitCode {
  if (report.ok) return report.lossGuard ? exitCodes.lossGuard : exitCodes.done;
  return report.code === null ? exitCodes.volumeFailed : exitCodeOf(report.code);
}
