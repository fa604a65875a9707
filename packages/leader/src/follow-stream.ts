import { formatVolumeName, idxEntrySizeBytes } from '@holdfast/format';
import {
  type FollowPosition,
  type FollowStart,
  followLimits,
  LeaderError,
  type ServedFollowEvent,
  type ServedGeneration,
} from '@holdfast/protocol';
import type { ChangeSignal } from './change-signal.js';
import { type FollowStep, planFollowSteps } from './follow-steps.js';
import { readChunks } from './read-chunks.js';
import { revisionChanged, type Snapshot, type VolumeState } from './volume-state.js';

/** The generation and the place that a stream begins at. */
interface FollowBeginning extends FollowStep, ServedGeneration {}

export interface FollowStreamOptions {
  readonly state: VolumeState;
  readonly changes: ChangeSignal;
  readonly start: FollowStart;
  /** Whether it waits at the tail and sends every further record as it becomes durable. */
  readonly staysOpen: boolean;
  readonly signal: AbortSignal;
}

/**
 * Everything from the start to the tail. Fails with `position-refused` where a position's proof does not hold, with
 * `refused` where what is newer than a time does not lie together, and with `revision-changed` as soon as the
 * volume's history is another one.
 */
export async function* followStream(options: FollowStreamOptions): AsyncGenerator<ServedFollowEvent> {
  const { state, changes, staysOpen, signal } = options;
  const beginning = await begin(options);
  const { datOffset, idxOffset, revision, lineageId } = beginning;
  yield { kind: 'start', datOffset, idxOffset, revision, lineageId };
  let at: FollowStep = { datOffset, idxOffset };
  while (true) {
    const seen = changes.count(state.name);
    const snapshot = await state.snapshot(signal);
    try {
      assertGeneration(state, snapshot, beginning);
      for (const step of await stepsToTail(state, snapshot, at, signal)) {
        yield* sendStep(state, snapshot, at, step, signal);
        at = step;
      }
    } finally {
      await snapshot.close();
    }
    if (!staysOpen) return;
    await changes.next(state.name, seen, signal);
  }
}

/** Fails with `revision-changed` where the snapshot is of another history. */
export function assertGeneration(
  { name }: VolumeState,
  { status }: Snapshot,
  { revision, lineageId }: ServedGeneration,
): void {
  if (status.revision === revision && status.lineageId === lineageId) return;
  throw revisionChanged(
    name,
    `revision ${revision} (${lineageId})`,
    `revision ${status.revision} (${status.lineageId})`,
  );
}

async function begin({ state, start, signal }: FollowStreamOptions): Promise<FollowBeginning> {
  const snapshot = await state.snapshot(signal);
  try {
    return 'position' in start
      ? await provePosition(state, snapshot, start.position)
      : await beginSince(state, snapshot, start.sinceNs, signal);
  } finally {
    await snapshot.close();
  }
}

async function provePosition(
  { name }: VolumeState,
  { status, dat }: Snapshot,
  position: FollowPosition,
): Promise<FollowBeginning> {
  const { revision, lineageId, datOffset, idxOffset, overlap } = position;
  const refuse = (why: string) => {
    throw new LeaderError('position-refused', `volume ${formatVolumeName(name)}: ${why}`, {
      volumeId: name.volumeId,
      offset: datOffset,
    });
  };
  if (revision !== status.revision) refuse(`revision ${status.revision} here, ${revision} there`);
  if (lineageId !== status.lineageId) refuse('the history is another one');
  if (datOffset > status.datSizeBytes || idxOffset > status.idxSizeBytes)
    refuse('the position is past the end');
  if (idxOffset % idxEntrySizeBytes(status.offsetWidthBytes) !== 0)
    refuse('the position is inside an index entry');
  if (overlap.length > datOffset || overlap.length > followLimits.overlapBytes)
    refuse('the overlap is too long');
  const own = await dat.readAt(datOffset - overlap.length, overlap.length);
  if (own.length !== overlap.length || own.some((byte, i) => byte !== overlap[i])) {
    refuse('the bytes before the position differ');
  }
  return { revision, lineageId, datOffset, idxOffset };
}

async function beginSince(
  state: VolumeState,
  snapshot: Snapshot,
  sinceNs: bigint,
  signal: AbortSignal,
): Promise<FollowBeginning> {
  const { revision, lineageId, datSizeBytes, idxSizeBytes, offsetWidthBytes } = snapshot.status;
  const answer = await state.search(snapshot, sinceNs, signal);
  switch (answer.kind) {
    case 'nothing-newer':
      return { revision, lineageId, datOffset: datSizeBytes, idxOffset: idxSizeBytes };
    case 'found': {
      const idxOffset = answer.entryIndex * idxEntrySizeBytes(offsetWidthBytes);
      return { revision, lineageId, datOffset: answer.offset, idxOffset };
    }
    case 'not-answerable':
      throw new LeaderError(
        'refused',
        `volume ${formatVolumeName(state.name)}: what is newer than ${sinceNs} does not lie together (${answer.reason}); follow from a position`,
        { volumeId: state.name.volumeId },
      );
  }
}

async function stepsToTail(
  { name }: VolumeState,
  { idx, status }: Snapshot,
  from: FollowStep,
  signal: AbortSignal,
): Promise<readonly FollowStep[]> {
  const { version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = status;
  const to = { datOffset: datSizeBytes, idxOffset: idxSizeBytes };
  const steps = await planFollowSteps({ idx, version, offsetWidthBytes, from, to, signal });
  if (steps !== undefined) return steps;
  throw new LeaderError(
    'position-refused',
    `volume ${formatVolumeName(name)}: its index is too far out of order to be followed from there`,
    { volumeId: name.volumeId, offset: from.datOffset },
  );
}

async function* sendStep(
  { name }: VolumeState,
  { dat, idx, status }: Snapshot,
  from: FollowStep,
  to: FollowStep,
  signal: AbortSignal,
): AsyncGenerator<ServedFollowEvent> {
  for await (const bytes of readChunks(dat, name, from.datOffset, to.datOffset, signal)) {
    yield { kind: 'bytes', bytes };
  }
  yield {
    kind: 'durable',
    datSizeBytes: to.datOffset,
    idxSizeBytes: to.idxOffset,
    idxEntries: await idx.readAt(from.idxOffset, to.idxOffset - from.idxOffset),
    revision: status.revision,
    lineageId: status.lineageId,
  };
}
