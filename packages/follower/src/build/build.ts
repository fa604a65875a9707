import type { Tiling } from '@holdfast/index';
import { LeaderError } from '@holdfast/protocol';
import type { BuildTarget, UnfinishedGeneration } from '@holdfast/store';
import { toBase64 } from '../base64.js';
import type { Sighting } from '../fence.js';
import { fencedIndex } from '../fenced-index.js';
import { makeRoom } from '../make-room.js';
import type { VolumeRun } from '../run.js';
import { buildBySteps } from './build-by-steps.js';
import { buildPinned } from './build-pinned.js';
import { type BuildPlan, brokenPlan, resumedPlan, wholePlan } from './build-plan.js';
import type { BuildTally } from './build-tally.js';
import { finishBuild } from './finish-build.js';
import { hasMovedOn } from './moved-on.js';
import { hasPool, openPool } from './pool.js';
import { findResumable } from './resumable.js';
import type { TileCheck } from './tile-check.js';
import { tileAhead } from './tiles.js';
import { countedCost, planBuild } from './weigh-build.js';

/** So many builds of one run may be overtaken before the generation is pinned. */
const VOIDED_BUILDS_MAX = 2;

/**
 * Builds a new generation as the leader is now and makes it the held one (docs/follow-protocol.md): out of the pool and
 * what only the leader has. An unfinished build of the same target goes on where it ended. Throws `step-voided` where
 * the leader moved on before a byte was pinned.
 */
export async function build(run: VolumeRun, sighting: Sighting): Promise<void> {
  const { status } = sighting;
  const resumed = await findResumable(run, sighting);
  const neededBytes = status.datSizeBytes + status.idxSizeBytes - (resumed?.builtBytes ?? 0);
  await makeRoom(run, neededBytes, resumed);
  const unfinished = resumed ?? (await begin(run, sighting));
  const refusal = resumed === undefined ? await whyWhole(run, sighting) : undefined;
  try {
    const check =
      refusal === undefined
        ? await buildPlanned(run, unfinished, sighting)
        : await buildWhole(run, unfinished, sighting, wholePlan(refusal));
    await finishBuild(run, unfinished, check, sighting);
  } catch (error) {
    if (hasMovedOn(error)) run.tally.voidedBuilds++;
    throw error;
  }
}

/** By windows or whole, whichever is cheaper and comes through. */
async function buildPlanned(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
): Promise<TileCheck> {
  if (!unfinished.isIndexComplete) await unfinished.writeIndex(fencedIndex(run, sighting));
  const isPoolUsed = run.policy.usePool && !run.tally.isPoolRefused;
  const pool = isPoolUsed ? await openPool(run, unfinished) : undefined;
  try {
    const { builtBytes } = unfinished;
    const cost = countedCost(run.link.cost, run.policy.countedBytesPerSecond);
    const tiling = await tileAhead(unfinished, run.signal);
    const weighed = planBuild(tiling, pool, builtBytes, cost);
    const plan = rangesPlan(weighed, builtBytes, run.tally);
    if (plan.way === 'whole') return await buildWhole(run, unfinished, sighting, plan, tiling);
    run.tally.plan = plan;
    return await buildBySteps(run, unfinished, sighting, { tiling, pool });
  } finally {
    await pool?.close();
  }
}

async function buildWhole(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
  plan: BuildPlan,
  tiling?: Tiling,
): Promise<TileCheck> {
  run.tally.plan = plan;
  try {
    return await buildPinned(run, unfinished, sighting, tiling);
  } catch (error) {
    const isBroken = error instanceof LeaderError && error.code === 'unreachable';
    if (isBroken && unfinished.builtBytes === 0) run.tally.hasPinBroken = true;
    throw error;
  }
}

/** The plan, by ranges where a stream can not bring it. */
function rangesPlan(plan: BuildPlan, builtBytes: number, tally: BuildTally): BuildPlan {
  if (builtBytes > 0) return resumedPlan(plan);
  return tally.hasPinBroken && plan.way === 'whole' ? brokenPlan(plan) : plan;
}

async function begin(run: VolumeRun, sighting: Sighting): Promise<UnfinishedGeneration> {
  run.tally.reusedBytes = 0;
  run.tally.reusedUntil = 0;
  return await run.home.beginBuild(targetOf(run, sighting));
}

function targetOf(run: VolumeRun, { status, anchor }: Sighting): BuildTarget {
  return {
    leaderCopy: run.leaderCopy,
    lineageId: status.lineageId ?? null,
    revision: status.revision,
    version: status.version,
    offsetWidthBytes: status.offsetWidthBytes,
    datSizeBytes: status.datSizeBytes,
    idxSizeBytes: status.idxSizeBytes,
    anchorOffset: anchor?.offset ?? 0,
    anchorBase64: anchor === undefined ? '' : toBase64(anchor.bytes),
    usesPool: run.policy.usePool,
  };
}

/** Why no plan by windows is even made. */
async function whyWhole(run: VolumeRun, { anchor }: Sighting): Promise<string | undefined> {
  const { tally, policy } = run;
  if (anchor === undefined) return 'a compaction is open: no ranges';
  if (tally.voidedBuilds >= VOIDED_BUILDS_MAX) return 'the leader is compacted faster than ranges end';
  // Steps need less of a link than the first message of a stream.
  if (tally.hasPinBroken) return undefined;
  if (!policy.usePool) return 'no pool is to be used';
  if (tally.isPoolRefused) return "the leader's own bytes differ from those that its CRC proves";
  return (await hasPool(run)) ? undefined : 'there is no pool';
}
