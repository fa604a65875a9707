import type { SyncReport } from '@holdfast/follower';
import { type CopyFiles, judgeSuccess } from '../oracles/copy-oracle.js';
import type { LogMark } from '../oracles/leader-log.js';
import { startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import { DIRECTORY } from '../world/follower-runs.js';
import { homeOf, nameOf, type SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';
import { judgeFormer } from './judge-kept.js';
import { judgeLossGuard } from './judge-loss-guard.js';
import { judgeMove } from './judge-move.js';

/** What a report is judged by. */
export interface ReportContext {
  /** Where the leader's log stood when the run began. */
  readonly startedAt: LogMark;
  /** Whether every sync of the run counts what is live. */
  readonly isCounted: boolean;
  /** Whether anything has happened that a sync may fail of. */
  readonly wasDisturbed: boolean;
}

/** Judges a report at the very moment that it is given out. */
export function judgeReport(world: SimulatedWorld, report: SyncReport, context: ReportContext): void {
  const { figures, trace } = world;
  const { id, outcome, code, error, revision, datSize, reason, plan, bytesReused, lossGuard } = report;
  count(figures, `outcome: ${outcome}`);
  if (plan !== null) count(figures, `built by: ${plan.way}`);
  count(figures, 'bytes reused', bytesReused);
  const guard = lossGuard ? ', the loss guard has tripped' : '';
  trace.note(`volume ${id}: ${outcome} ${code ?? ''} revision ${revision} at ${datSize}, ${reason}${guard}`);
  const isOk = code === null && error === null;
  if (report.ok !== isOk) throw new Violation('honest', `ok:${isOk} with code ${code}`, `ok:${report.ok}`);
  if (outcome === 'failed' || outcome === 'unsupported') judgeFailure(world, report, context);
  else judgeProved(world, report, context);
}

function judgeProved(
  world: SimulatedWorld,
  report: SyncReport,
  { startedAt, isCounted, wasDisturbed }: ReportContext,
): void {
  const { log, cluster, figures } = world;
  const { id, server } = report;
  const copy = copyOnDisk(world, id);
  judgeDurable(world, id, copy);
  if (!world.isTrusted) return;
  count(figures, 'bytes compared', copy.dat.length + copy.idx.length);
  const state = judgeSuccess(
    report,
    copy,
    log.statesOf(id, server),
    startedAt(id, server),
    cluster.offsetWidth,
  );
  const reports = world.reported.get(id)!;
  const last = reports.at(-1);
  if (last !== undefined) judgeMove(world, report, last, !wasDisturbed);
  judgeFormer(world, id);
  judgeLossGuard(world, report, copy, isCounted);
  const generation = homeOf(world, id).currentId()!;
  reports.push({ report, ...copy, state, atNs: world.scheduler.time.clock.nowNs(), generation });
  world.rotten.delete(id);
  world.troubledSinceMs.delete(id);
  world.retention.noteReturn(nameOf(world, id));
}

function judgeFailure(
  world: SimulatedWorld,
  { id, code, error }: SyncReport,
  { startedAt, wasDisturbed }: ReportContext,
): void {
  if (code === null || code === 'closed')
    throw new Violation('honest', 'a failure with the code of what it failed of', `${code}`);
  const { cluster, log } = world;
  const isClosed = cluster.leaders.some(({ serverName }) =>
    log
      .statesOf(id, serverName)
      .slice(startedAt(id, serverName))
      .some((state) => state.isClosed),
  );
  const isAway = cluster.leaders.some(({ serverName }) => !cluster.isUp(serverName));
  if (wasDisturbed || isClosed || isAway || !world.isTrusted || world.schedule.world.capacityBytes !== null)
    return;
  throw new Violation(
    'convergence',
    `volume ${id}: a run that nothing disturbs to succeed`,
    `${code}: ${error}`,
  );
}

function copyOnDisk(world: SimulatedWorld, volumeId: number): CopyFiles {
  const copy = homeOf(world, volumeId).present();
  if (copy === undefined)
    throw new Violation('honest', `volume ${volumeId}: both files of what is reported`, 'one or none');
  return copy;
}

/** What is reported outlives the power, if it failed now and took everything that was not synced. */
function judgeDurable(world: SimulatedWorld, volumeId: number, copy: CopyFiles): void {
  for (const kind of ['dat', 'idx'] as const) {
    const durable = world.machine.disk.peekDurable(`${DIRECTORY}/${nameOf(world, volumeId)}.${kind}`);
    if (durable !== undefined && startsWith(durable, copy[kind])) continue;
    const found = durable === undefined ? 'no file' : `${durable.length} bytes, not all of them the same`;
    throw new Violation(
      'durable first',
      `volume ${volumeId}: a .${kind} of ${copy[kind].length} bytes that outlives the power`,
      found,
    );
  }
}
