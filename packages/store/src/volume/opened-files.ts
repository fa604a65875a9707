import type { OffsetWidthBytes, SuperBlock, Version, VolumeInfo } from '@holdfast/format';
import type { DiskFile } from '../disk.js';
import { StoreError } from '../errors.js';
import type { NeedleMap } from '../needle-map.js';
import type { VolumeRecovery } from './volume.js';
import type { VolumePaths } from './volume-paths.js';

/** The files of a volume, opened and found good, and what is known of them. */
export interface OpenedFiles {
  readonly paths: VolumePaths;
  readonly superBlock: SuperBlock;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly info: VolumeInfo;
  readonly mode: 'read' | 'write';
  readonly dat: DiskFile;
  readonly idx: DiskFile | undefined;
  readonly idxSizeBytes: number;
  readonly map: NeedleMap;
  readonly datSizeBytes: number;
  readonly lastAppendAtNs: bigint;
  readonly recovery: VolumeRecovery;
}

/** What has been written, changed by appends alone. */
export interface VolumeTail {
  datSizeBytes: number;
  idxSizeBytes: number;
  lastAppendAtNs: bigint;
}

export function notFound({ dat: path, name: volume }: VolumePaths, needleId: bigint): StoreError {
  return new StoreError('needle-not-found', `volume ${volume} has no needle ${needleId.toString(16)}`, {
    path,
    volume,
    needleId,
  });
}
