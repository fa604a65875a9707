import {
  EMPTY_VOLUME_INFO,
  type FormatError,
  formatReplicaPlacement,
  formatVolumeName,
  type OffsetWidthBytes,
  parseSuperBlock,
  parseVolumeInfo,
  SUPER_BLOCK_SIZE_BYTES,
  type SuperBlock,
  type Version,
  type VolumeInfo,
  type VolumeName,
} from '@holdfast/format';
import { detectOffsetWidth } from '@holdfast/index';
import { LeaderError } from '@holdfast/protocol';
import { type DiskFile, openVolume, type StoreEnvironment, StoreError } from '@holdfast/store';
import { lineageIdOf } from './lineage.js';
import { readLineageToken } from './lineage-token.js';

const GREATEST_VIF_BYTES = 1 << 20;

/** The open `.dat` and `.idx` of one generation: whatever is renamed over them, these stay. */
export interface VolumeFiles {
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  /** Of both: equal as long as both names still lead to these files. */
  readonly fileKeys: string;
  readonly superBlock: SuperBlock;
  /** The layout of the records, which the super block's version need not be (format.md §2). */
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly lineageId: string;
  readonly replication: string;
  readonly readOnly: boolean;
  /** Keeps the files open until what it gives is called. Idempotent. */
  retain(): () => Promise<void>;
}

/** What the two names lead to now. `volume-not-found` if there is no such pair, `volume-closed` within a swap. */
export async function currentFileKeys(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<string> {
  const base = `${directory}/${formatVolumeName(name)}`;
  const [dat, idx, swap] = await Promise.all(
    ['dat', 'idx', 'cpc'].map((extension) => env.disk.stat(`${base}.${extension}`)),
  );
  if (dat === undefined || idx === undefined) {
    throw new LeaderError('volume-not-found', `there is no volume ${formatVolumeName(name)} here`, {
      volumeId: name.volumeId,
    });
  }
  if (swap !== undefined) throw closed(name, 'a compaction is being committed');
  return `${dat.fileKey} ${idx.fileKey}`;
}

/**
 * Opens the pair that the names lead to. `volume-closed` where it cannot be served. `historyMark` goes into the
 * lineage id.
 */
export async function openVolumeFiles(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
  historyMark: string,
): Promise<VolumeFiles> {
  const base = `${directory}/${formatVolumeName(name)}`;
  const fileKeys = await currentFileKeys(env, directory, name);
  const dat = await env.disk.open(`${base}.dat`, { mode: 'read' });
  try {
    const idx = await env.disk.open(`${base}.idx`, { mode: 'read' });
    try {
      const opened = `${(await dat.stat()).fileKey} ${(await idx.stat()).fileKey}`;
      if (opened !== fileKeys) throw closed(name, 'its files were exchanged while they were opened');
      return await describeFiles(env, { directory, name, dat, idx, fileKeys, historyMark });
    } catch (error) {
      await idx.close();
      throw error;
    }
  } catch (error) {
    await dat.close();
    throw error;
  }
}

interface OpenedPair {
  readonly directory: string;
  readonly name: VolumeName;
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  readonly fileKeys: string;
  readonly historyMark: string;
}

async function describeFiles(env: StoreEnvironment, pair: OpenedPair): Promise<VolumeFiles> {
  const { directory, name, dat, idx, fileKeys } = pair;
  const info = await readVolumeInfo(env, `${directory}/${formatVolumeName(name)}.vif`);
  const token = `${await readLineageToken(env, directory, name)}${pair.historyMark}`;
  const datFileKey = (await dat.stat()).fileKey;
  try {
    const superBlock = parseSuperBlock(await dat.readAt(0, SUPER_BLOCK_SIZE_BYTES));
    const width = await detectOffsetWidth({ vifBytesOffset: info.offsetWidthBytes, idx, dat });
    return {
      dat,
      idx,
      fileKeys,
      superBlock,
      version: await recordVersion(env, directory, name, superBlock.version),
      offsetWidthBytes: width.offsetWidthBytes,
      lineageId: await lineageIdOf({ token, datFileKey, dat }, env.sha256),
      replication: info.replication || formatReplicaPlacement(superBlock.replicaPlacement),
      readOnly: info.readOnly,
      retain: retainer(dat, idx),
    };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw closed(name, (error as FormatError).message, error);
  }
}

function retainer(dat: DiskFile, idx: DiskFile): VolumeFiles['retain'] {
  let holders = 0;
  return () => {
    let isHeld = true;
    holders += 1;
    return async () => {
      if (!isHeld) return;
      isHeld = false;
      holders -= 1;
      if (holders > 0) return;
      await dat.close();
      await idx.close();
    };
  };
}

/** A label of version 1 or 2 may stand over records of version 3: the store finds out. */
async function recordVersion(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
  label: Version,
): Promise<Version> {
  if (label === 3) return label;
  const volume = await openVolume(env, { directory, name: formatVolumeName(name), mode: 'read' });
  await volume.close();
  return volume.version;
}

/** A `.vif` that cannot be read says nothing, as for the servers (format.md §6). */
async function readVolumeInfo(env: StoreEnvironment, path: string): Promise<VolumeInfo> {
  try {
    const file = await env.disk.open(path, { mode: 'read' });
    try {
      return parseVolumeInfo(new TextDecoder().decode(await file.readAt(0, GREATEST_VIF_BYTES)));
    } finally {
      await file.close();
    }
  } catch {
    return EMPTY_VOLUME_INFO;
  }
}

function closed(name: VolumeName, why: string, cause?: unknown): LeaderError {
  return new LeaderError('volume-closed', `volume ${formatVolumeName(name)} cannot be served: ${why}`, {
    volumeId: name.volumeId,
    ...(cause === undefined ? {} : { cause }),
  });
}
