import { differenceOfIndexes, type IdxFile, type IndexDifference, openIdx } from '@holdfast/index';
import type { StoreEnvironment } from '@holdfast/store';
import { deletionOf, type NeedleEvent, putOf } from './needle-change.js';
import type { OpenIndex } from './open-index.js';
import { isSameWrite, readRecordEnds } from './record-ends.js';

/**
 * What makes the live needles of one index those of another, by ascending needle id, behind `afterNeedleId`. A needle
 * that a compaction only moved is none. 28 bytes an entry of either index.
 */
export async function* comparedChanges(
  env: StoreEnvironment,
  before: OpenIndex | undefined,
  after: OpenIndex,
  afterNeedleId: bigint | undefined,
  signal: AbortSignal,
): AsyncGenerator<NeedleEvent, void, undefined> {
  const old = before?.idx ?? (await emptyIndex(after.idx));
  for await (const found of differenceOfIndexes(old, after.idx, { compare: 'nothing', signal })) {
    const { needleId } = found.kind === 'removed' ? found.before : found.after;
    if (afterNeedleId !== undefined && needleId <= afterNeedleId) continue;
    signal.throwIfAborted();
    if (found.kind !== 'removed') {
      if (!(await hasOnlyMoved(before, after, found))) yield await putOf(env, after, found.after);
    } else if (before !== undefined) yield await deletionOf(before, found.before);
  }
}

async function hasOnlyMoved(
  before: OpenIndex | undefined,
  after: OpenIndex,
  found: Exclude<IndexDifference, { kind: 'removed' }>,
): Promise<boolean> {
  if (before === undefined || found.kind === 'added') return false;
  const [was, is] = [found.before, found.after];
  const isOneFile = before.reader.id === after.reader.id;
  if (isOneFile && was.offset === is.offset && was.sizeBytes === is.sizeBytes) return true;
  if (was.sizeBytes !== is.sizeBytes) return false;
  const isOneServer = serverOf(before) === serverOf(after);
  return isSameWrite(await readRecordEnds(before, was), await readRecordEnds(after, is), isOneServer);
}

function serverOf({ reader }: OpenIndex): string {
  return reader.position.leaderCopy.server;
}

function emptyIndex({ offsetWidthBytes }: IdxFile): Promise<IdxFile> {
  const nothing = { sizeBytes: async () => 0, readAt: async () => new Uint8Array(0) };
  return openIdx(nothing, offsetWidthBytes);
}
