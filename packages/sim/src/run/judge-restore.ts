import { restoreVolume } from '@holdfast/follower';
import { type CopyFiles, isAsNew, judgeCommitted } from '../oracles/copy-oracle.js';
import { readStamps, startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import type { Operation } from '../schedule/schedule.js';
import { DIRECTORY } from '../world/follower-runs.js';
import { homeOf, nameOf, type Reported, type SimulatedWorld } from '../world/simulated-world.js';
import { describeError, isTypedError } from './describe-error.js';
import { count } from './figures.js';

const RESTORE_LIMIT_MS = 600_000;

/** What is restored is what was reported at that instant, and as much more as the leader had written by then. */
export async function judgeRestore(
  world: SimulatedWorld,
  { volume: volumeId, reportsAgo }: Operation & { readonly do: 'restore' },
): Promise<void> {
  const { machine, scheduler, figures, cluster, log, trace, retention } = world;
  const wanted = world.reported.get(volumeId)?.at(-1 - reportsAgo);
  if (wanted === undefined || !world.isTrusted) return;
  const name = nameOf(world, volumeId);
  count(figures, 'restores');
  const out = `/restored/${figures.restores}`;
  machine.disk.plant(`${out}/.keep`, new Uint8Array(0));
  const process = machine.startProcess();
  scheduler.reseed(0, 0);
  const end = await scheduler.run(
    () =>
      restoreVolume(process.env, {
        directory: DIRECTORY,
        volume: { volumeId, collection: world.schedule.world.collection ?? '' },
        asOfNs: reportsAgo === 0 ? undefined : wanted.atNs,
        out,
        minFreeBytes: 0,
        signal: new AbortController().signal,
      }),
    RESTORE_LIMIT_MS,
  );
  process.kill();
  trace.note(`restore: ${end.kind}`);
  if (end.kind === 'failed') {
    if (!isTypedError(end.error))
      throw new Violation('typed errors', 'a typed error', describeError(end.error));
    const mayFail =
      world.hasRotted ||
      world.hasClockStepped ||
      world.schedule.world.capacityBytes !== null ||
      retention.wasPruned(name, wanted.generation);
    if (mayFail) return;
    throw new Violation(
      'restore',
      `volume ${volumeId} as it was ${reportsAgo} reports ago`,
      describeError(end.error),
    );
  }
  if (end.kind !== 'done') throw new Violation('bounded', 'a restore to end', end.kind);
  const restored = {
    dat: machine.disk.peek(`${out}/${name}.dat`),
    idx: machine.disk.peek(`${out}/${name}.idx`),
  };
  count(figures, 'bytes compared', restored.dat.length + restored.idx.length);
  judgeCommitted(volumeId, restored, log.allStatesOf(volumeId), cluster.offsetWidth);
  if (world.hasClockStepped) return;
  if (startsWith(restored.dat, wanted.dat)) {
    if (reportsAgo > 0) judgeNothingLater(world, volumeId, restored, wanted);
    return;
  }
  // A commit after the report, of a run that failed later, may be what is newest.
  const isNewer = reportsAgo === 0 && isLater(world, volumeId, restored, wanted);
  if (!isNewer)
    throw new Violation(
      'restore',
      `volume ${volumeId}: the ${wanted.dat.length} bytes of ${reportsAgo} reports ago`,
      `${restored.dat.length} others`,
    );
}

function isLater(world: SimulatedWorld, volumeId: number, restored: CopyFiles, wanted: Reported): boolean {
  const { log, cluster } = world;
  const { server } = wanted.report;
  if (homeOf(world, volumeId).currentServer() !== server) return true;
  return isAsNew(restored, wanted, log.statesOf(volumeId, server), cluster.offsetWidth);
}

/** What was not reported by then is there only if the leader's stamps say that it was written by then. */
function judgeNothingLater(
  { cluster, schedule }: SimulatedWorld,
  volumeId: number,
  { dat, idx }: CopyFiles,
  wanted: Reported,
): void {
  const hasStamps = schedule.world.leader === 'holdfast' || schedule.world.version === 3;
  const later = hasStamps
    ? readStamps(dat, idx, cluster.offsetWidth, wanted.dat.length).some((stampNs) => stampNs > wanted.atNs)
    : dat.length > wanted.dat.length;
  if (later)
    throw new Violation(
      'restore',
      `volume ${volumeId}: nothing written after ${wanted.atNs}`,
      `${dat.length - wanted.dat.length} bytes more than were reported`,
    );
}
