import type { VolumeName } from '@holdfast/format';
import { isStoreError, openVolumeHome } from '@holdfast/store';
import type { SimulatedProcess } from '@holdfast/testkit';
import { isAsNew, judgeCommitted } from '../oracles/copy-oracle.js';
import { Violation } from '../oracles/violation.js';
import { DIRECTORY } from '../world/follower-runs.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { describeError } from './describe-error.js';
import { count } from './figures.js';
import { judgeFormer } from './judge-kept.js';

/** Virtual time within which a volume is open again. */
const RECOVERY_LIMIT_MS = 60_000;

/** More than any schedule fills. */
const ROOMY_BYTES = 2 ** 30;

interface Committed {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly revision: number;
  /** Whose copy it is of. */
  readonly server: string;
}

/**
 * A plain restart: what is held then is a state of the leader, cut between two records, and nothing that was reported is
 * lost.
 */
export async function judgeRecovery(world: SimulatedWorld): Promise<void> {
  const process = world.machine.startProcess();
  world.scheduler.reseed(0, 0);
  count(world.figures, 'recoveries');
  for (const volumeId of world.schedule.world.volumeIds)
    judgeHeld(world, volumeId, await recover(world, process, volumeId));
  process.kill();
}

/** What is held of a volume when a process has opened it; where the disk is too full for that, once there is room. */
export async function recover(
  { scheduler, machine, schedule }: SimulatedWorld,
  process: SimulatedProcess,
  volumeId: number,
): Promise<Committed | undefined> {
  const volume = { volumeId, collection: schedule.world.collection ?? '' };
  const open = () => scheduler.run(() => committedFiles(process, volume), RECOVERY_LIMIT_MS);
  let end = await open();
  const isFull = schedule.world.capacityBytes !== null;
  if (isFull && end.kind === 'failed' && isStoreError(end.error, 'no-space')) {
    machine.disk.resize(ROOMY_BYTES);
    end = await open();
  }
  if (end.kind === 'done') return end.value;
  const why = end.kind === 'failed' ? describeError(end.error) : end.kind;
  throw new Violation('self-recovery', `volume ${volumeId} to open`, why);
}

async function committedFiles({ env }: SimulatedProcess, volume: VolumeName): Promise<Committed | undefined> {
  if ((await env.disk.stat(`${DIRECTORY}/.holdfast`)) === undefined) return undefined;
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume });
  try {
    const { held } = home;
    if (held === undefined) return undefined;
    const { datSizeBytes, idxSizeBytes, revision, leaderCopy } = held.position;
    return {
      dat: await held.dat.readAt(0, datSizeBytes),
      idx: await held.idx.readAt(0, idxSizeBytes),
      revision,
      server: leaderCopy.server,
    };
  } finally {
    await home.close();
  }
}

function judgeHeld(world: SimulatedWorld, volumeId: number, held: Committed | undefined): void {
  const { cluster, log, trace, rotten } = world;
  const last = world.reported.get(volumeId)?.at(-1);
  const what = held === undefined ? 'nothing' : `revision ${held.revision} at ${held.dat.length}`;
  trace.note(`volume ${volumeId} recovered: ${what}`);
  if (!world.isTrusted) return;
  if (held === undefined) {
    if (last === undefined || rotten.has(volumeId)) return;
    throw new Violation(
      'last good generation',
      `volume ${volumeId}: the reported ${last.dat.length} bytes`,
      'nothing held',
    );
  }
  count(world.figures, 'bytes compared', held.dat.length + held.idx.length);
  const states = log.statesOf(volumeId, held.server);
  judgeCommitted(volumeId, held, states, cluster.offsetWidth);
  if (last === undefined) return;
  judgeFormer(world, volumeId);
  if (held.server !== last.report.server) return;
  if (!isAsNew(held, last, states, cluster.offsetWidth))
    throw new Violation(
      'durable first',
      `volume ${volumeId}: at least what was reported`,
      `an older state of ${held.dat.length} bytes`,
    );
}
