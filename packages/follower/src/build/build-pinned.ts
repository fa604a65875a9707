import { parseSuperBlock, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { Tiling } from '@holdfast/index';
import { LeaderError } from '@holdfast/protocol';
import type { UnfinishedGeneration } from '@holdfast/store';
import { createCommitsBehind } from '../commits-behind.js';
import { stepVoided } from '../errors.js';
import { assertSameGeneration, fence, PROOF_BYTES, type Sighting } from '../fence.js';
import { equalBytes } from '../leader-read.js';
import { PassingBytes } from '../passing-bytes.js';
import { reportProgress, type VolumeRun } from '../run.js';
import { TileCheck } from './tile-check.js';
import { tileAhead } from './tiles.js';

/** By so much a tail may be rounded up, where no anchor could be read that says how much there is. */
const ROUNDED_UP_BYTES_MAX = 7;

/**
 * The whole generation by two streams that the leader's open files pin: it is finished as it was at the status,
 * however many compactions follow. An index that is here already, and its `tiling`, are not made again. Gives the check
 * of all records.
 */
export async function buildPinned(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
  tiling?: Tiling,
): Promise<TileCheck> {
  const { status, tail } = sighting;
  const copy = await run.volume.openPinnedCopy(status, run.signal);
  try {
    if (sighting.anchor === undefined) assertSameGeneration(run, status, await run.volume.status(run.signal));
    else await fence(run, sighting, []);
    if (!unfinished.isIndexComplete) await unfinished.writeIndex(copy.idx);
    const { tiles } = tiling ?? (await tileAhead(unfinished, run.signal));
    const check = new TileCheck(tiles(), run.env.crc32c);
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
      if (!unfinished.isFailed) {
        // Over a link that breaks again and again, what came until then is all the progress there is.
        if (superBlock.isWhole && isBroken(run, error)) await commits.finish(check.offset);
        // What is not durable yet may not stand before what the next attempt writes.
        await unfinished.rollback();
      }
      throw failed === undefined ? error : failed.error;
    }
    return check;
  } finally {
    await copy.close();
  }
}
/** Whether nothing is wrong with what came but that no more did. */
function isBroken({ signal }: VolumeRun, error: unknown): boolean {
  return signal.aborted || (error instanceof LeaderError && error.code === 'unreachable');
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
  const leastBytes = sighting.tail - (sighting.anchor === undefined ? ROUNDED_UP_BYTES_MAX : 0);
  if (receivedBytes < leastBytes || receivedBytes > sighting.status.datSizeBytes)
    throw stepVoided(volumeId, `the stream has ${receivedBytes} bytes, not ${sighting.tail}`);
  if (sighting.anchor !== undefined && !equalBytes(anchor.bytes, sighting.anchor.bytes))
    throw stepVoided(volumeId, 'the stream does not end in the anchor', anchor.offset);
}
