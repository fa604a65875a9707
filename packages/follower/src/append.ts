import type { RandomAccess } from '@holdfast/index';
import type { HeldGeneration } from '@holdfast/store';
import { fence, overlapRanges, PROOF_BYTES, type Sighting, type Witness, witnessesOf } from './fence.js';
import { makeRoom } from './make-room.js';
import { receiveStep } from './receive.js';
import { reportProgress, type VolumeRun } from './run.js';
import { type SettledStep, StepSettler } from './settle.js';

export interface AppendResult {
  /** Whether a record of size 0 came: a needle may have been deleted. */
  readonly sawSizeZero: boolean;
  readonly appendedBytes: number;
}

/**
 * Appends [S, tail) in fenced steps (docs/follow-protocol.md). Each step is committed before the next begins. Throws
 * `step-voided` with nothing of the step committed.
 */
export async function append(
  run: VolumeRun,
  held: HeldGeneration,
  sighting: Sighting,
): Promise<AppendResult> {
  const start = held.position.datSizeBytes;
  const settler = new StepSettler(run, held, sighting);
  let sawSizeZero = false;
  await makeRoom(run, sighting.tail - start);
  await held.beginAppend();
  try {
    while (held.position.datSizeBytes < sighting.tail) {
      const from = held.position.datSizeBytes;
      const stepBytes = run.stepSize.next(run.policy.greatestStepBytes);
      const limit = await settler.stepLimit();
      const received = await receiveStep(run, held, settler, Math.min(from + stepBytes, limit));
      const settled = await settler.settle(received.frames, received.endOffset);
      sawSizeZero ||= received.frames.sizeZero.length > 0;
      await commitStep(run, held, sighting, settler, settled);
      reportProgress(run, 'append', held.position.datSizeBytes, sighting.tail);
      if (settled.isLast) break;
      run.stepSize.grow();
    }
  } catch (error) {
    if (!held.isFailed) await held.rollback();
    throw error;
  }
  return { sawSizeZero, appendedBytes: held.position.datSizeBytes - start };
}

async function commitStep(
  run: VolumeRun,
  held: HeldGeneration,
  sighting: Sighting,
  settler: StepSettler,
  step: SettledStep,
): Promise<void> {
  const witnesses = [
    ...(await witnessesOf(held.dat, overlapRanges(held.position), 'the overlap')),
    ...(await stepWitnesses(held.pending, held.position.datSizeBytes, step.endOffset)),
  ];
  const now = await fence(run, sighting, witnesses);
  const isUnchanged =
    now.datSizeBytes === sighting.status.datSizeBytes && now.idxSizeBytes === sighting.status.idxSizeBytes;
  const entries = await settler.confirm(step, isUnchanged);
  const { position } = held;
  await held.commit(entries, {
    ...position,
    version: settler.version,
    datSizeBytes: step.endOffset,
    idxSizeBytes: position.idxSizeBytes + entries.length,
    proofOffset: step.lastDataOffset ?? position.proofOffset,
    lastAppendAtNs: step.lastAppendAtNs?.toString() ?? position.lastAppendAtNs,
    leaderTailBytes: step.isLast ? sighting.status.datSizeBytes - step.endOffset : position.leaderTailBytes,
    leaderDamage: [...position.leaderDamage, ...step.damage],
  });
  settler.committed();
}

/** The head of the first and the tail of the last record of a step. */
async function stepWitnesses(pending: RandomAccess, start: number, end: number): Promise<readonly Witness[]> {
  const lengthBytes = Math.min(PROOF_BYTES, end - start);
  const ranges = [
    { offset: start, lengthBytes },
    { offset: end - lengthBytes, lengthBytes },
  ];
  return await witnessesOf(pending, ranges, 'a record of the step');
}
