import type { FollowEvent, LeaderVolume } from '@holdfast/protocol';
import type { HeldGeneration } from '@holdfast/store';
import { PROOF_BYTES } from './fence.js';
import { PushedSteps } from './pushed-steps.js';
import { readAhead } from './read-ahead.js';
import type { VolumeRun } from './run.js';

/** What may come while a commit is under way: all of it is the next one. */
const READ_AHEAD_BYTES = 4 * 1024 * 1024;

export interface FollowPushedOptions {
  /** Its signal ends the stream. */
  readonly run: VolumeRun;
  readonly follow: NonNullable<LeaderVolume['follow']>;
  readonly held: HeldGeneration;
  /** All that the leader has told of is held, durably: `appendedBytes` more than when this was called last. */
  readonly onProved: (appendedBytes: number) => Promise<void>;
}

/**
 * Takes what the leader pushes from the held position on (docs/follow-protocol.md): each `durable` event is the fence of
 * the bytes before it, and all that came during a commit are one step. Ends with the stream, by failing where it fails,
 * or where what came is not what a sync would take as it is: then a sync finds out what to do. What is committed stays.
 */
export async function followPushed({ run, follow, held, onProved }: FollowPushedOptions): Promise<void> {
  const steps = new PushedSteps(run, held);
  await held.beginAppend();
  try {
    const events = follow(await positionOf(held), run.signal);
    for await (const batch of readAhead(events, sizeOf, READ_AHEAD_BYTES)) {
      const lastDurable = batch.findLastIndex(({ kind }) => kind === 'durable');
      for (const [i, event] of batch.entries()) {
        if (event.kind === 'bytes') await steps.take(event.bytes);
        if (event.kind === 'durable') steps.fence(event);
        if (i === lastDurable) await onProved(await steps.commit());
      }
      if (steps.isClean) {
        await steps.countSometimes();
        if (lastDurable < 0) await onProved(0);
      }
    }
  } finally {
    await steps.end();
  }
}

function sizeOf(event: FollowEvent): number {
  if (event.kind === 'bytes') return event.bytes.length;
  return event.kind === 'durable' ? event.idxEntries.length : 0;
}

async function positionOf({ position, dat }: HeldGeneration) {
  const { revision, lineageId, datSizeBytes, idxSizeBytes } = position;
  const overlapOffset = Math.max(0, datSizeBytes - PROOF_BYTES);
  return {
    revision,
    lineageId: lineageId ?? '',
    datOffset: datSizeBytes,
    idxOffset: idxSizeBytes,
    overlap: await dat.readAt(overlapOffset, datSizeBytes - overlapOffset),
  };
}
