import type { Tiling } from '@holdfast/index';
import type { UnfinishedGeneration } from '@holdfast/store';
import { fence, type Sighting, type Witness } from '../fence.js';
import { reportProgress, type VolumeRun } from '../run.js';
import type { Pool } from './pool.js';
import { receiveStep } from './receive-step.js';
import { anchorOf, builtWitnesses } from './resumable.js';
import { dataRange, LEAST_REUSED_BYTES, type StepLimits, type StepPlan, StepPlanner } from './step-plan.js';
import type { TileCheck } from './tile-check.js';
import { checkHere } from './tiles.js';
import { countedCost } from './weigh-build.js';

const STEP_SECONDS = 5;
const STEP_RANGES_MAX = 4096;
const STEP_RANGES_MIN = 64;

/**
 * Fetches what the pool has not, in fenced steps, up to the target's tail. What is already here is read and checked
 * first. Gives the check of all records.
 */
export async function buildBySteps(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
  { tiling, pool }: { readonly tiling: Tiling; readonly pool: Pool | undefined },
): Promise<TileCheck> {
  const tail = Math.min(unfinished.target.datSizeBytes, sighting.tail);
  const check = await checkHere(unfinished, tiling, unfinished.builtBytes, run.env.crc32c);
  const planner = new StepPlanner(tiling, unfinished.builtBytes, pool);
  const yieldOf = createYield();
  let before = await builtWitnesses(unfinished, run.signal);
  while (unfinished.builtBytes < tail) {
    const plan = await planner.next(tail, limitsOf(run, yieldOf.share));
    try {
      const { ends, reusedBytes } = await receiveStep(run, { unfinished, check }, plan);
      await fence(run, sighting, [anchorOf(unfinished.target), ...before, ...ends]);
      await unfinished.commitTo(plan.endOffset);
      yieldOf.note(plan, reusedBytes);
      noteReused(run, plan, reusedBytes);
      before = endOf(ends);
    } catch (error) {
      // Nothing of it may stand before what the next attempt writes.
      if (!unfinished.isFailed) await unfinished.rollback();
      throw error;
    }
    reportProgress(run, 'build', plan.endOffset, tail);
    run.stepSize.grow();
  }
  return check;
}

function limitsOf({ link, policy, stepSize }: VolumeRun, share: number): StepLimits {
  const stepBytes = stepSize.next(policy.greatestBuildStepBytes);
  const cost = countedCost(link.cost, policy.countedBytesPerSecond);
  const inTime = Math.floor(STEP_SECONDS / Math.max(cost.secondsPerRange, Number.EPSILON));
  return {
    fetchedBytes: stepBytes,
    fileBytes: stepSize.fileBytesPerFetched * stepBytes,
    ranges: Math.min(STEP_RANGES_MAX, Math.max(STEP_RANGES_MIN, inTime)),
    leastReusedBytes: cost.leastReusedBytes / share,
  };
}

/** How much of what plans hoped for the pool has really given: a pool that gives nothing is not asked for long. */
function createYield() {
  let share = 1;
  return {
    get share() {
      return share;
    },
    note({ reused }: StepPlan, reusedBytes: number): void {
      const hopedBytes = reused.reduce((sum, record) => sum + record.dataSizeBytes, 0);
      if (hopedBytes >= LEAST_REUSED_BYTES) share = (share + reusedBytes / hopedBytes) / 2;
    },
  };
}

function noteReused({ tally }: VolumeRun, { reused }: StepPlan, reusedBytes: number): void {
  const last = reused.at(-1);
  if (last === undefined || reusedBytes === 0) return;
  const { offset, lengthBytes } = dataRange(last);
  tally.reusedBytes += reusedBytes;
  tally.reusedUntil = offset + lengthBytes;
}

/** What the next step is fenced by: the leader's own last bytes of this one. */
function endOf(ends: readonly Witness[]): readonly Witness[] {
  return ends.slice(-1).map((end) => ({ ...end, what: 'what was built' }));
}
