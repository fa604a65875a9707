import { restoreVolume } from '@holdfast/follower';
import { type CopyFiles, judgeCommitted } from '../oracles/copy-oracle.js';
import { readStamps, startsWith } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import type { Operation } from '../schedule/schedule.js';
import { DIRECTORY } from '../world/follower-runs.js';
import type { Reported, SimulatedWorld } from '../world/simulated-world.js';
import { describeError, isTypedError } from './describe-error.js';
import { count } from './figures.js';

const RESTORE_LIMIT_MS = 600_000;

/** What is restored is what was reported at that instant, and as much more as the leader had written by then. */
export async function judgeRestore(
  world: SimulatedWorld,
  { volume: volumeId, reportsAgo }: Operation & { readonly do: 'restore' },
): Promise<void> {
  const { machine, scheduler, figures, leader, log, trace } = world;
  const wanted = world.reported.get(volumeId)?.at(-1 - reportsAgo);
  if (wanted === undefined || !world.isTrusted) return;
  count(figures, 'restores');
  const out = `/restored/${figures.restores}`;
  machine.disk.plant(`${out}/.keep`, new Uint8Array(0));
  const process = machine.startProcess();
  scheduler.reseed(0, 0);
  const end = await scheduler.run(
    () =>
      restoreVolume(process.env, {
        directory: DIRECTORY,
        volume: { volumeId, collection: '' },
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
    const mayFail = world.hasRotted || world.hasClockStepped || world.schedule.world.capacityBytes !== null;
    if (mayFail) return;
    throw new Violation(
      'restore',
      `volume ${volumeId} as it was ${reportsAgo} reports ago`,
      describeError(end.error),
    );
  }
  if (end.kind !== 'done') throw new Violation('bounded', 'a restore to end', end.kind);
  const restored = {
    dat: machine.disk.peek(`${out}/${volumeId}.dat`),
    idx: machine.disk.peek(`${out}/${volumeId}.idx`),
  };
  count(figures, 'bytes compared', restored.dat.length + restored.idx.length);
  const states = log.statesOf(volumeId);
  const at = judgeCommitted(volumeId, restored, states, leader.offsetWidth);
  if (world.hasClockStepped) return;
  if (startsWith(restored.dat, wanted.dat)) {
    if (reportsAgo > 0) judgeNothingLater(world, volumeId, restored, wanted);
    return;
  }
  // A commit after the report, of a run that failed later, may be what is newest.
  const isNewer = reportsAgo === 0 && at > judgeCommitted(volumeId, wanted, states, leader.offsetWidth);
  if (!isNewer)
    throw new Violation(
      'restore',
      `volume ${volumeId}: the ${wanted.dat.length} bytes of ${reportsAgo} reports ago`,
      `${restored.dat.length} others`,
    );
}

/** What was not reported by then is there only if the leader's stamps say that it was written by then. */
function judgeNothingLater(
  { leader, schedule }: SimulatedWorld,
  volumeId: number,
  { dat, idx }: CopyFiles,
  wanted: Reported,
): void {
  const hasStamps = schedule.world.leader === 'holdfast' || schedule.world.version === 3;
  const later = hasStamps
    ? readStamps(dat, idx, leader.offsetWidth, wanted.dat.length).some((stampNs) => stampNs > wanted.atNs)
    : dat.length > wanted.dat.length;
  if (later)
    throw new Violation(
      'restore',
      `volume ${volumeId}: nothing written after ${wanted.atNs}`,
      `${dat.length - wanted.dat.length} bytes more than were reported`,
    );
}
