import type { StoredVolume } from '@holdfast/leader';
import type { AnnouncedVolume, ServerReport } from '@holdfast/seaweedfs';

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface PlacementSettings {
  /** 0: as many as the disk has room for. */
  readonly maxVolumes: number;
  /** With less free, no more files are placed here: what there is can still be read. */
  readonly minFreeBytes: number;
  /** What a volume may grow to. */
  readonly volumeSizeLimitBytes: number;
}

type ReportedVolume = Pick<StoredVolume, 'name' | 'version' | 'superBlock' | 'status'>;

/** What the master is told at one instant. */
export function serverReport(
  stored: readonly ReportedVolume[],
  disk: DiskSpace,
  settings: PlacementSettings,
): ServerReport {
  const isFull = disk.freeBytes < settings.minFreeBytes;
  const volumes = stored.map((volume) => announcedVolume(volume, isFull));
  let maxNeedleId = 0n;
  for (const volume of stored) {
    const { maxNeedleId: own } = volume.status();
    if (own > maxNeedleId) maxNeedleId = own;
  }
  return {
    volumes,
    maxVolumeCount: settings.maxVolumes > 0 ? settings.maxVolumes : roomFor(volumes, disk, settings),
    maxNeedleId,
    diskTotalBytes: disk.totalBytes,
    diskFreeBytes: disk.freeBytes,
  };
}

function announcedVolume(
  { name, version, superBlock, status }: ReportedVolume,
  isFull: boolean,
): AnnouncedVolume {
  const { datSizeBytes, fileCount, deleteCount, garbageBytes, isReadOnly, modifiedAtSeconds } = status();
  return {
    ...name,
    version,
    replicaPlacement: superBlock.replicaPlacement,
    ttl: superBlock.ttl,
    revision: superBlock.compactionRevision,
    datSizeBytes,
    fileCount,
    deleteCount,
    garbageBytes,
    isReadOnly: isReadOnly || isFull,
    modifiedAtSeconds,
  };
}

/** Volumes that fit when those there are have grown to the limit; at least one. */
function roomFor(
  volumes: readonly AnnouncedVolume[],
  { freeBytes }: DiskSpace,
  { minFreeBytes, volumeSizeLimitBytes }: PlacementSettings,
): number {
  const promisedBytes = volumes
    .filter(({ isReadOnly }) => !isReadOnly)
    .reduce((sum, { datSizeBytes }) => sum + Math.max(0, volumeSizeLimitBytes - datSizeBytes), 0);
  const more = Math.floor((freeBytes - minFreeBytes - promisedBytes) / volumeSizeLimitBytes);
  return Math.max(1, volumes.length + Math.max(0, more));
}
