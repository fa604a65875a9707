import { parseSuperBlock, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { BuildTarget, HeldGeneration, UnfinishedGeneration } from '@holdfast/store';
import { fromBase64, toBase64 } from './base64.js';
import { finishBuild } from './build-finish.js';
import { createCommitsBehind } from './commits-behind.js';
import { stepVoided } from './errors.js';
import {
  assertSameGeneration,
  fence,
  holds,
  PROOF_BYTES,
  type Sighting,
  type Witness,
  witnessesOf,
} from './fence.js';
import { equalBytes } from './leader-read.js';
import { makeRoom } from './make-room.js';
import { PassingBytes } from './passing-bytes.js';
import { reportProgress, type VolumeRun } from './run.js';
import { TileCheck } from './tile-check.js';
import { checkHere, tileAhead } from './tiles.js';

/**
 * Builds a new generation as the leader is now and makes it the held one (docs/follow-protocol.md). An unfinished build of the
 * same target goes on where it ended. Throws `step-voided` where the leader moved on before a byte was pinned.
 */
export async function build(run: VolumeRun, sighting: Sighting): Promise<HeldGeneration> {
  const { status } = sighting;
  const resumed = await resumable(run, sighting);
  await makeRoom(run, status.datSizeBytes + status.idxSizeBytes - (resumed?.builtBytes ?? 0));
  if (resumed !== undefined) return await resume(run, resumed, sighting);
  const unfinished = await run.home.beginBuild(targetOf(run, sighting));
  return await buildPinned(run, unfinished, sighting);
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
    anchorBase64: anchor === undefined ? '' : toBase64(anchor.bytes),
  };
}

/**
 * The unfinished generation, if the leader still is what it is built as: super block, anchor and the last bytes before
 * the break read again equal.
 */
async function resumable(run: VolumeRun, sighting: Sighting): Promise<UnfinishedGeneration | undefined> {
  const { unfinished } = run.home;
  const { status } = sighting;
  if (unfinished === undefined || sighting.anchor === undefined) return undefined;
  const { target } = unfinished;
  const isSameGeneration =
    target.leaderCopy.server === run.leaderCopy.server &&
    target.lineageId === (status.lineageId ?? null) &&
    target.revision === status.revision &&
    target.version === status.version &&
    target.offsetWidthBytes === status.offsetWidthBytes &&
    target.datSizeBytes <= status.datSizeBytes &&
    target.idxSizeBytes <= status.idxSizeBytes;
  const hasBegun = unfinished.isIndexComplete && unfinished.builtBytes > SUPER_BLOCK_SIZE_BYTES;
  if (!isSameGeneration || !hasBegun || target.anchorBase64 === '') return undefined;
  const isProved = await holds(run, [anchorOf(target), ...(await builtWitnesses(unfinished))]);
  return isProved ? unfinished : undefined;
}

function anchorOf(target: BuildTarget): Witness {
  const bytes = fromBase64(target.anchorBase64);
  const tail = target.datSizeBytes - (target.datSizeBytes % 8);
  const offset = tail - bytes.length;
  return { what: 'the anchor of the build', offset, bytes };
}

async function builtWitnesses(unfinished: UnfinishedGeneration): Promise<readonly Witness[]> {
  const end = unfinished.builtBytes;
  const start = Math.max(0, end - PROOF_BYTES);
  const ranges = [
    { offset: 0, lengthBytes: SUPER_BLOCK_SIZE_BYTES },
    { offset: start, lengthBytes: end - start },
  ];
  return await witnessesOf(unfinished.dat, ranges, 'what was built');
}

/** The rest by ranges, in fenced steps. What is already here is read and checked first. */
async function resume(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
): Promise<HeldGeneration> {
  const tail = Math.min(unfinished.target.datSizeBytes, sighting.tail);
  const tiling = await tileAhead(unfinished, run.signal);
  const check = await checkHere(unfinished, tiling, unfinished.builtBytes, run.env.crc32c);
  let stepBytes = run.policy.firstStepBytes;
  while (unfinished.builtBytes < tail) {
    const start = unfinished.builtBytes;
    const end = Math.min(tail, start + stepBytes);
    try {
      const step = await receiveBuildStep(run, unfinished, check, start, end);
      const witnesses = [anchorOf(unfinished.target), ...(await builtWitnesses(unfinished)), ...step];
      await fence(run, sighting, witnesses);
    } catch (error) {
      // Nothing of it may stand before what the next attempt writes.
      if (!unfinished.isFailed) await unfinished.rollback();
      throw error;
    }
    await unfinished.commitTo(end);
    reportProgress(run, 'build', end, tail);
    stepBytes = Math.min(2 * stepBytes, run.policy.greatestBuildStepBytes);
  }
  return await finishBuild(run, unfinished, check, sighting);
}

/** Writes [start, end) and returns its first and last bytes, to be read once more. */
async function receiveBuildStep(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  check: TileCheck,
  start: number,
  end: number,
): Promise<readonly Witness[]> {
  const lengthBytes = Math.min(PROOF_BYTES, end - start);
  const head = new PassingBytes({ offset: start, lengthBytes });
  const last = new PassingBytes({ offset: end - lengthBytes, lengthBytes });
  let at = start;
  for await (const chunk of run.volume.readRanges(
    [{ offset: start, lengthBytes: end - start }],
    run.signal,
  )) {
    await unfinished.write(chunk);
    check.push(chunk);
    head.push(chunk, at);
    last.push(chunk, at);
    at += chunk.length;
  }
  return [head, last].map(({ offset, bytes }) => ({ what: 'an end of the step', offset, bytes }));
}

/**
 * The whole generation by two streams that the leader's open files pin: it is finished as it was at the status,
 * however many compactions follow.
 */
async function buildPinned(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
): Promise<HeldGeneration> {
  const { status, tail } = sighting;
  const copy = await run.volume.openPinnedCopy(status, run.signal);
  try {
    if (sighting.anchor === undefined) assertSameGeneration(run, status, await run.volume.status(run.signal));
    else await fence(run, sighting, []);
    await unfinished.writeIndex(copy.idx);
    const tiling = await tileAhead(unfinished, run.signal);
    const check = new TileCheck(tiling.tiles(), run.env.crc32c);
    const superBlock = new PassingBytes({ offset: 0, lengthBytes: SUPER_BLOCK_SIZE_BYTES });
    const anchorOffset = Math.max(0, tail - PROOF_BYTES);
    const anchor = new PassingBytes({ offset: anchorOffset, lengthBytes: tail - anchorOffset });
    const commits = createCommitsBehind(unfinished, run.policy, (durableOffset) =>
      reportProgress(run, 'build', durableOffset, tail),
    );
    try {
      for await (const chunk of copy.dat) {
        superBlock.push(chunk, check.offset);
        anchor.push(chunk, check.offset);
        if (superBlock.isWhole) assertRevision(run, sighting, superBlock.bytes);
        await unfinished.write(chunk);
        check.push(chunk);
        await commits.advance(check.offset);
      }
      assertAnchor(run, sighting, check.offset, anchor);
      await commits.finish(check.offset);
    } catch (error) {
      // A commit that fails ends the build, and then the next write fails because of it: the cause is what counts.
      const failed = await commits.failure();
      throw failed === undefined ? error : failed.error;
    }
    return await finishBuild(run, unfinished, check, sighting);
  } finally {
    await copy.close();
  }
}

/** The super block says which generation a whole-file stream is of: the revision check of the call is no guard. */
function assertRevision(run: VolumeRun, { status, superBlock }: Sighting, bytes: Uint8Array): void {
  const { compactionRevision } = parseSuperBlock(bytes);
  const isExpected = superBlock === undefined || equalBytes(superBlock, bytes);
  if (isExpected && compactionRevision === status.revision) return;
  throw stepVoided(run.leaderCopy.volumeId, `the stream is of revision ${compactionRevision}`, 0);
}

/** The stream must end where the status says, in the bytes that were the anchor. */
function assertAnchor(run: VolumeRun, sighting: Sighting, receivedBytes: number, anchor: PassingBytes): void {
  const { volumeId } = run.leaderCopy;
  if (receivedBytes < sighting.tail || receivedBytes > sighting.status.datSizeBytes)
    throw stepVoided(volumeId, `the stream has ${receivedBytes} bytes, not ${sighting.tail}`);
  if (sighting.anchor !== undefined && !equalBytes(anchor.bytes, sighting.anchor.bytes))
    throw stepVoided(volumeId, 'the stream does not end in the anchor', anchor.offset);
}
