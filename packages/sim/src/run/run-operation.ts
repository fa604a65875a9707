import type { SyncReport } from '@holdfast/follower';
import { FollowError } from '@holdfast/follower';
import { openVolumeHome, StoreError } from '@holdfast/store';
import type { CrashKind, SimulatedProcess } from '@holdfast/testkit';
import { judgeCommitted, judgeSuccess } from '../oracles/copy-oracle.js';
import { startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import type { LeaderEvent, Operation } from '../schedule/schedule.js';
import { backup, DIRECTORY } from '../world/follower-runs.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';
import { applyToLeader, createMoments, type Moments } from './moments.js';

/** Virtual time that one run may take, stalls and all. */
const RUN_LIMIT_MS = 4 * 3600 * 1000;

export async function runOperation(world: SimulatedWorld, operation: Operation): Promise<void> {
  count(world.figures, 'operations');
  switch (operation.do) {
    case 'backup':
      await runBackup(world, operation);
      return;
    case 'follow':
    case 'restore':
    case 'rot':
    case 'verify':
      return;
    case 'crash':
      crash(world, operation.kind);
      await judgeRecovery(world);
      return;
    case 'step-clock':
      world.scheduler.time.stepWallClock(operation.byMs);
      return;
    default:
      await happenToLeader(world, operation);
  }
}

/** Something happens to the leader while no follower runs. */
export async function happenToLeader(world: SimulatedWorld, event: LeaderEvent): Promise<void> {
  world.scheduler.reseed(0, 0);
  const end = await world.scheduler.run(() => applyToLeader(world, event), RUN_LIMIT_MS);
  if (end.kind === 'failed') throw end.error;
  if (end.kind !== 'done') throw new Violation('leader: bounded', `${event.do} to end`, end.kind);
}

function crash(world: SimulatedWorld, kind: CrashKind): void {
  count(world.figures, `crashes: ${kind}`);
  world.machine.crash(kind);
  world.network.dropConnections();
}

/** One `backup`, whatever happens during it, and what is left of it. */
export async function runBackup(
  world: SimulatedWorld,
  operation: Operation & { readonly do: 'backup' },
): Promise<readonly SyncReport[] | undefined> {
  const { scheduler, schedule, figures, log, machine, leader, trace } = world;
  count(figures, 'syncs');
  scheduler.reseed(operation.seed, schedule.world.queuedShare);
  let violation: unknown;
  const fail = (error: unknown): void => {
    violation ??= error;
    scheduler.stop();
  };
  const moments: Moments = createMoments(world, operation.moments, {
    crash(kind) {
      crash(world, kind);
      scheduler.stop();
    },
    secondFollower: async () => {},
    fail,
  });
  const process = machine.startProcess({ onAccess: (access) => moments.onAccess(access) });
  const startedAt = new Map(schedule.world.volumeIds.map((id) => [id, log.statesOf(id).length - 1]));
  world.watch = moments;
  const end = await scheduler.run(
    () =>
      backup({
        world: schedule.world,
        env: world.sabotage(process.env),
        timers: process.timers,
        leader,
        async onReport(report) {
          try {
            await leader.settled();
            log.look();
            noteReport(world, report, startedAt.get(report.id) ?? 0, moments);
          } catch (error) {
            fail(error);
          }
        },
      }),
    RUN_LIMIT_MS,
  );
  world.watch = undefined;
  trace.note(`${end.kind} after ${moments.accesses} accesses and ${moments.messages} messages`);
  if (violation !== undefined) throw violation;
  switch (end.kind) {
    case 'done':
      process.kill();
      // What succeeded has been judged; what failed must have left what was there before.
      if (end.value.some(({ outcome }) => outcome === 'failed')) await judgeRecovery(world);
      return end.value;
    case 'stopped':
      await judgeRecovery(world);
      return undefined;
    case 'failed':
      if (!isTyped(end.error)) throw new Violation('typed errors', 'a typed error', describe(end.error));
      if (!moments.wasDisturbed)
        throw new Violation('honest', 'a run that nothing disturbs to be done', describe(end.error));
      trace.note(`failed: ${describe(end.error)}`);
      process.kill();
      world.network.dropConnections();
      await judgeRecovery(world);
      return undefined;
    default:
      throw new Violation('bounded', `a run to end within ${RUN_LIMIT_MS} ms`, end.kind);
  }
}

function isTyped(error: unknown): boolean {
  return error instanceof StoreError || error instanceof FollowError;
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name} ${'code' in error ? error.code : ''} ${error.stack}`
    : String(error);
}

/** Judges a report at the very moment that it is given out. */
function noteReport(world: SimulatedWorld, report: SyncReport, startedAt: number, moments: Moments): void {
  const { machine, log, leader, figures, trace } = world;
  count(figures, `outcome: ${report.outcome}`);
  trace.note(
    `volume ${report.id}: ${report.outcome} ${report.code ?? ''} revision ${report.revision} at ${report.datSize}, ${report.reason}`,
  );
  const isOk = report.code === null && report.error === null;
  if (report.ok !== isOk)
    throw new Violation('honest', `ok:${isOk} with code ${report.code}`, `ok:${report.ok}`);
  const states = log.statesOf(report.id).slice(startedAt);
  if (report.outcome === 'failed' || report.outcome === 'unsupported') {
    if (report.code === null) throw new Violation('honest', 'a failure with a code', 'none');
    const mayFail =
      moments.wasDisturbed ||
      states.some(({ isClosed }) => isClosed) ||
      world.schedule.world.capacityBytes !== null;
    if (!mayFail)
      throw new Violation(
        'convergence',
        `volume ${report.id}: a run that nothing disturbs to succeed`,
        `${report.code}: ${report.error}`,
      );
    return;
  }
  const copy = copyOnDisk(world, report.id);
  count(figures, 'bytes compared', copy.dat.length + copy.idx.length);
  judgeSuccess(report, copy, log.statesOf(report.id), startedAt, leader.offsetWidth);
  const durableDat = machine.disk.peekDurable(`${DIRECTORY}/${report.id}.dat`);
  const durableIdx = machine.disk.peekDurable(`${DIRECTORY}/${report.id}.idx`);
  if (durableDat === undefined || !startsWith(durableDat, copy.dat))
    throw new Violation(
      'durable first',
      `volume ${report.id}: ${copy.dat.length} bytes of data that outlive the power`,
      `${durableDat?.length}`,
    );
  if (durableIdx === undefined || !startsWith(durableIdx, copy.idx))
    throw new Violation(
      'durable first',
      `volume ${report.id}: an index of ${copy.idx.length} bytes that outlives the power`,
      `${durableIdx?.length}`,
    );
  world.reported.get(report.id)?.push({ report, ...copy, atNs: world.scheduler.time.clock.nowNs() });
}

function copyOnDisk({ machine }: SimulatedWorld, volumeId: number) {
  return {
    dat: machine.disk.peek(`${DIRECTORY}/${volumeId}.dat`),
    idx: machine.disk.peek(`${DIRECTORY}/${volumeId}.idx`),
  };
}

/** A plain restart: what is held then is a state of the leader, cut between two records, and nothing that was reported is lost. */
export async function judgeRecovery(world: SimulatedWorld): Promise<void> {
  const { machine, scheduler, schedule } = world;
  const process = machine.startProcess();
  scheduler.reseed(0, 0);
  count(world.figures, 'recoveries');
  for (const volumeId of schedule.world.volumeIds) {
    const end = await scheduler.run(() => committedFiles(process, volumeId), RUN_LIMIT_MS);
    if (end.kind !== 'done')
      throw new Violation(
        'self-recovery',
        `volume ${volumeId} to open`,
        end.kind === 'failed' ? describe(end.error) : end.kind,
      );
    judgeHeld(world, volumeId, end.value);
  }
  process.kill();
}

interface Committed {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly revision: number;
}

async function committedFiles({ env }: SimulatedProcess, volumeId: number): Promise<Committed | undefined> {
  if ((await env.disk.stat(`${DIRECTORY}/.holdfast`)) === undefined) return undefined;
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: { volumeId, collection: '' } });
  try {
    const { held } = home;
    if (held === undefined) return undefined;
    const { datSizeBytes, idxSizeBytes, revision } = held.position;
    return {
      dat: await held.dat.readAt(0, datSizeBytes),
      idx: await held.idx.readAt(0, idxSizeBytes),
      revision,
    };
  } finally {
    await home.close();
  }
}

function judgeHeld(world: SimulatedWorld, volumeId: number, held: Committed | undefined): void {
  const { leader, log, trace } = world;
  const last = world.reported.get(volumeId)?.at(-1);
  trace.note(
    `volume ${volumeId} recovered: ${held === undefined ? 'nothing' : `revision ${held.revision} at ${held.dat.length}`}`,
  );
  if (held === undefined) {
    if (last === undefined) return;
    throw new Violation(
      'last good generation',
      `volume ${volumeId}: the reported ${last.dat.length} bytes`,
      'nothing held',
    );
  }
  count(world.figures, 'bytes compared', held.dat.length + held.idx.length);
  const states = log.statesOf(volumeId);
  const at = judgeCommitted(volumeId, held, states, leader.offsetWidth);
  if (last === undefined) return;
  const isLonger = held.revision === last.report.revision && startsWith(held.dat, last.dat);
  const reportedAt = judgeCommitted(volumeId, last, states, leader.offsetWidth);
  if (!isLonger && at < reportedAt)
    throw new Violation(
      'durable first',
      `volume ${volumeId}: at least what was reported`,
      `an older state of ${held.dat.length} bytes`,
    );
}
