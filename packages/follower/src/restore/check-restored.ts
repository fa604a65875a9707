import { type OffsetWidthBytes, recordSizeOfEntry, type Version } from '@holdfast/format';
import { type LiveSet, openIdx, proofByReading, readLiveSet, tileByIndex } from '@holdfast/index';
import { type DiskFile, type StoreEnvironment, StoreError } from '@holdfast/store';
import { TileCheck } from '../build/tile-check.js';
import { examineRecord } from '../examine.js';
import { hexOf, type RestoredFile } from './restored-file.js';

const PIECE_BYTES = 1024 * 1024;

/** How the files were written. */
export interface WrittenVolume {
  readonly directory: string;
  readonly dat: RestoredFile;
  readonly idx: RestoredFile;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
}

/** A live needle whose record is bad. The bytes are those that were committed: it was so on the leader. */
export interface DamagedNeedle {
  readonly needleId: bigint;
  readonly offset: number;
  readonly reason: string;
}

export interface CheckedVolume {
  readonly liveNeedles: number;
  readonly damaged: readonly DamagedNeedle[];
}

/**
 * Reads back what was written, every byte of it, and each record by the index. Error `disk-failed` where it is not what
 * was written.
 */
export async function checkRestored(
  env: StoreEnvironment,
  written: WrittenVolume,
  signal: AbortSignal,
): Promise<CheckedVolume> {
  const { directory, version, offsetWidthBytes } = written;
  const files: DiskFile[] = [];
  try {
    for (const { name } of [written.dat, written.idx])
      files.push(await env.disk.open(`${directory}/${name}`, { mode: 'read' }));
    const [dat, idx] = files as [DiskFile, DiskFile];
    await readBack(env, idx, written.idx, directory, signal);
    const index = await openIdx(idx, offsetWidthBytes);
    const datSizeBytes = written.dat.sizeBytes;
    const tiling = await tileByIndex(index, { version, datSizeBytes, prove: proofByReading(dat), signal });
    const check = new TileCheck(tiling.tiles(), env.crc32c);
    await readBack(env, dat, written.dat, directory, signal, (bytes) => check.push(bytes));
    const live = await readLiveSet(index);
    const isSuspect = check.suspects.length > 0 || tiling.misfitCount > 0 || tiling.pastEndCount > 0;
    const damaged = isSuspect ? await examineLive(env, dat, live, version, datSizeBytes) : [];
    return { liveNeedles: live.count, damaged };
  } finally {
    for (const file of files) await file.close();
  }
}

async function readBack(
  env: StoreEnvironment,
  file: DiskFile,
  { name, sizeBytes, sha256 }: RestoredFile,
  directory: string,
  signal: AbortSignal,
  onBytes: (bytes: Uint8Array) => void = () => {},
): Promise<void> {
  const hash = env.createSha256();
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    signal.throwIfAborted();
    const bytes = await file.readAt(at, Math.min(PIECE_BYTES, sizeBytes - at));
    hash.push(bytes);
    onBytes(bytes);
  }
  const found = hexOf(hash.digest());
  if (found === sha256) return;
  const path = `${directory}/${name}`;
  throw new StoreError('disk-failed', `${path} does not read back as it was written: look at the disk`, {
    path,
    expected: sha256,
    found,
  });
}

/** Each live needle by itself, in every layout. */
async function examineLive(
  env: StoreEnvironment,
  dat: DiskFile,
  live: LiveSet,
  version: Version,
  datSizeBytes: number,
): Promise<readonly DamagedNeedle[]> {
  const damaged: DamagedNeedle[] = [];
  for (let i = 0; i < live.count; i++) {
    const { needleId, offset, sizeBytes } = live.entryAt(i);
    const expected = { needleId, offset, sizeBytes: recordSizeOfEntry(sizeBytes) };
    const found = await examineRecord(dat, expected, version, datSizeBytes, env.crc32c);
    if (found.kind === 'bad') damaged.push({ needleId, offset, reason: found.reason });
  }
  return damaged;
}
