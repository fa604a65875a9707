import { recordSizeOfEntry, SUPER_BLOCK_SIZE_BYTES, type Version } from '@holdfast/format';
import { openIdx, readLiveSet } from '@holdfast/index';
import type { GenerationPosition, LeaderDamage, UnfinishedGeneration } from '@holdfast/store';
import { stepVoided } from '../errors.js';
import { type ExpectedRecord, examineRecord } from '../examine.js';
import { fence, type Sighting } from '../fence.js';
import { frameRest } from '../frame-rest.js';
import { holdsGoodCopy } from '../good-copy.js';
import { isSameOnLeader } from '../leader-read.js';
import { liveDamage } from '../live-damage.js';
import { losesFormer } from '../loss-guard.js';
import type { VolumeRun } from '../run.js';
import { leaderVolumeInfo } from '../volume-info.js';
import { assertOverlap } from './assert-overlap.js';
import { hasMovedOn } from './moved-on.js';
import type { SuspectTile, TileCheck } from './tile-check.js';
import { checkHere, tileHere } from './tiles.js';

/** Damage named one by one in a position; a leader with more is as good as lost. */
const NAMED_DAMAGE_MAX = 1000;

/** Judges what the check suspected, finds where the last record ends, and makes the build the held generation. */
export async function finishBuild(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  check: TileCheck,
  sighting: Sighting,
): Promise<void> {
  const { target } = unfinished;
  const { held, foreign } = run.home;
  const former = held?.position ?? foreign?.lost?.position;
  const judged = check.suspects.length === 0 ? undefined : await judge(run, unfinished, sighting);
  const records = judged?.check ?? check;
  const recordsEnd = Math.max(records.recordsEnd, SUPER_BLOCK_SIZE_BYTES);
  const { version } = target;
  const bounds = { version, startOffset: recordsEnd, endOffset: unfinished.builtBytes };
  const rest = await frameRest(unfinished.dat, bounds, run.env.crc32c);
  const idx = await openIdx(unfinished.idx, target.offsetWidthBytes);
  const live = await readLiveSet(idx);
  const lastDataOffset = rest.lastDataOffset ?? judged?.lastDataOffset ?? records.lastDataOffset;
  const position: GenerationPosition = {
    leaderCopy: target.leaderCopy,
    lineageId: target.lineageId,
    revision: target.revision,
    version: target.version,
    offsetWidthBytes: target.offsetWidthBytes,
    datSizeBytes: rest.endOffset,
    idxSizeBytes: target.idxSizeBytes,
    proofOffset: lastDataOffset ?? 0,
    lastAppendAtNs: (rest.lastAppendAtNs ?? records.lastAppendAtNs ?? 0n).toString(),
    liveNeedles: live.count,
    greatestLiveNeedles: Math.max(live.count, former?.greatestLiveNeedles ?? 0),
    countedIdxSizeBytes: target.idxSizeBytes,
    leaderTailBytes: target.datSizeBytes - rest.endOffset,
    leaderDamage: liveDamage(judged?.damage ?? [], live),
  };
  await assertOverlap(run, unfinished, position, sighting);
  // Held before it is replaced: a crash in between must not leave the last good copy to retention.
  if (former !== undefined && losesFormer(former, position, run.policy.maxLoss))
    await run.home.holdPresent('loss-guard');
  else if (held !== undefined && (await holdsGoodCopy(held, position.leaderDamage, run.env.crc32c)))
    await run.home.holdPresent('leader-damaged');
  await unfinished.swapIn(position, leaderVolumeInfo(target, sighting.status));
}

interface Judgement {
  readonly check: TileCheck;
  readonly damage: readonly LeaderDamage[];
  readonly lastDataOffset: number | undefined;
}

/**
 * Everything is here now, so contradictions of the index are decided by the bytes, and each record that is still
 * suspect is examined in every layout. What is bad in two equal readings is the leader's damage.
 */
async function judge(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  sighting: Sighting,
): Promise<Judgement> {
  const { target, builtBytes } = unfinished;
  const tiling = await tileHere(unfinished, run.signal);
  const check = await checkHere(unfinished, tiling, builtBytes, run.env.crc32c);
  const damage: LeaderDamage[] = tiling.misfits.map(({ offset, needleId }) => ({
    offset,
    needleId: needleId.toString(),
    reason: 'the index entry points at no record of its needle',
  }));
  let lastDataOffset = check.lastDataOffset;
  for (const tile of check.suspects) {
    if (damage.length >= NAMED_DAMAGE_MAX) break;
    const found = await examineTile(run, unfinished, tile, target.version);
    if (found.damage !== undefined) {
      await readAgain(run, unfinished, tile, sighting);
      damage.push(found.damage);
    } else if (found.hasData) lastDataOffset = Math.max(lastDataOffset ?? 0, tile.offset);
  }
  return { check, damage, lastDataOffset };
}

async function examineTile(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  tile: SuspectTile,
  declared: Version,
): Promise<{ damage?: LeaderDamage; hasData: boolean }> {
  const { offset } = tile;
  if (tile.kind === 'overlap') {
    const named = tile.entries.map((entry) => entry.needleId).join(', ');
    return {
      damage: { offset, needleId: null, reason: `records of needles ${named} overlap` },
      hasData: false,
    };
  }
  const { needleId, sizeBytes } = tile.entry;
  const expected: ExpectedRecord = { offset, needleId, sizeBytes: recordSizeOfEntry(sizeBytes) };
  const { builtBytes } = unfinished;
  const result = await examineRecord(unfinished.dat, expected, declared, builtBytes, run.env.crc32c);
  if (result.kind === 'sound') return { hasData: expected.sizeBytes > 0 };
  return { damage: { offset, needleId: needleId.toString(), reason: result.reason }, hasData: false };
}

/**
 * The second reading of a bad region. Where it differs, what came first was no reading of the leader's: the build is
 * dropped and the run starts again. A leader that has moved on cannot be read again; then one reading must do.
 */
async function readAgain(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  tile: SuspectTile,
  sighting: Sighting,
): Promise<void> {
  if (sighting.anchor === undefined) return;
  const end = Math.min(tile.offset + tile.lengthBytes, unfinished.builtBytes);
  let isSame: boolean;
  try {
    isSame = await isSameOnLeader(run, unfinished.dat, tile.offset, end);
    await fence(run, sighting, []);
  } catch (error) {
    if (hasMovedOn(error)) return;
    throw error;
  }
  if (isSame) return;
  await unfinished.discard();
  throw stepVoided(run.leaderCopy.volumeId, 'a bad region reads differently', tile.offset);
}
