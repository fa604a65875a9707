import type { SyncReport } from '@holdfast/follower';
import { judgeSuccess } from '../oracles/copy-oracle.js';
import { startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import { DIRECTORY } from '../world/follower-runs.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/** What a report is judged by. */
export interface ReportContext {
  /** Where the leader's log stood when the run began. */
  readonly startedAt: number;
  /** Whether anything has happened that a sync may fail of. */
  readonly wasDisturbed: boolean;
}

/** Judges a report at the very moment that it is given out. */
export function judgeReport(world: SimulatedWorld, report: SyncReport, context: ReportContext): void {
  const { figures, trace } = world;
  const { id, outcome, code, error, revision, datSize, reason, plan, bytesReused } = report;
  count(figures, `outcome: ${outcome}`);
  if (plan !== null) count(figures, `built by: ${plan.way}`);
  count(figures, 'bytes reused', bytesReused);
  trace.note(`volume ${id}: ${outcome} ${code ?? ''} revision ${revision} at ${datSize}, ${reason}`);
  const isOk = code === null && error === null;
  if (report.ok !== isOk) throw new Violation('honest', `ok:${isOk} with code ${code}`, `ok:${report.ok}`);
  if (outcome === 'failed' || outcome === 'unsupported') judgeFailure(world, report, context);
  else judgeProved(world, report, context);
}

function judgeProved(world: SimulatedWorld, report: SyncReport, { startedAt }: ReportContext): void {
  const { log, leader, figures } = world;
  const { id } = report;
  const copy = copyOnDisk(world, id);
  judgeDurable(world, id, copy);
  if (!world.isTrusted) return;
  count(figures, 'bytes compared', copy.dat.length + copy.idx.length);
  judgeSuccess(report, copy, log.statesOf(id), startedAt, leader.offsetWidth);
  world.reported.get(id)?.push({ report, ...copy, atNs: world.scheduler.time.clock.nowNs() });
  world.rotten.delete(id);
}

function judgeFailure(
  world: SimulatedWorld,
  { id, code, error }: SyncReport,
  { startedAt, wasDisturbed }: ReportContext,
): void {
  if (code === null) throw new Violation('honest', 'a failure with a code', 'none');
  const states = world.log.statesOf(id).slice(startedAt);
  const isClosed = states.some((state) => state.isClosed);
  if (wasDisturbed || isClosed || !world.isTrusted || world.schedule.world.capacityBytes !== null) return;
  throw new Violation(
    'convergence',
    `volume ${id}: a run that nothing disturbs to succeed`,
    `${code}: ${error}`,
  );
}

interface CopyOnDisk {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

function copyOnDisk({ machine }: SimulatedWorld, volumeId: number): CopyOnDisk {
  return {
    dat: machine.disk.peek(`${DIRECTORY}/${volumeId}.dat`),
    idx: machine.disk.peek(`${DIRECTORY}/${volumeId}.idx`),
  };
}

/** What is reported outlives the power, if it failed now and took everything that was not synced. */
function judgeDurable({ machine }: SimulatedWorld, volumeId: number, copy: CopyOnDisk): void {
  for (const kind of ['dat', 'idx'] as const) {
    const durable = machine.disk.peekDurable(`${DIRECTORY}/${volumeId}.${kind}`);
    if (durable !== undefined && startsWith(durable, copy[kind])) continue;
    const found = durable === undefined ? 'no file' : `${durable.length} bytes, not all of them the same`;
    throw new Violation(
      'durable first',
      `volume ${volumeId}: a .${kind} of ${copy[kind].length} bytes that outlives the power`,
      found,
    );
  }
}
