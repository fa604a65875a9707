import { NO_TTL } from '@holdfast/format';
import { expect, test } from 'vitest';
import { serverReport } from '../../src/serve/server-report.js';

const GiB = 2 ** 30;
const placement = { otherDataCenters: 0, otherRacks: 0, sameRack: 1 };

function stored(
  volumeId: number,
  own: { readonly maxNeedleId?: bigint; readonly isReadOnly?: boolean; readonly datSizeBytes?: number } = {},
) {
  return {
    name: { volumeId, collection: 'pictures' },
    version: 3 as const,
    superBlock: {
      version: 3 as const,
      replicaPlacement: placement,
      ttl: NO_TTL,
      compactionRevision: 4,
      extraSizeBytes: 0 as const,
    },
    status: () => ({
      datSizeBytes: 1000,
      idxSizeBytes: 170,
      liveNeedles: 8,
      deletedNeedles: 2,
      fileCount: 11,
      deleteCount: 3,
      garbageBytes: 300,
      revision: 4,
      isReadOnly: false,
      modifiedAtSeconds: 1_700_000_000,
      lastAppendAtNs: 5n,
      maxNeedleId: 7n,
      isCompacting: false,
      ...own,
    }),
  };
}

const disk = { totalBytes: 500 * GiB, freeBytes: 100 * GiB };
const settings = { maxVolumes: 8, minFreeBytes: 10 * GiB, volumeSizeLimitBytes: 30 * GiB };

test('a volume as the master counts it', () => {
  expect(serverReport([stored(3)], disk, settings)).toEqual({
    volumes: [
      {
        volumeId: 3,
        collection: 'pictures',
        version: 3,
        replicaPlacement: placement,
        ttl: NO_TTL,
        revision: 4,
        datSizeBytes: 1000,
        fileCount: 11,
        deleteCount: 3,
        garbageBytes: 300,
        isReadOnly: false,
        modifiedAtSeconds: 1_700_000_000,
      },
    ],
    maxVolumeCount: 8,
    maxNeedleId: 7n,
    diskTotalBytes: disk.totalBytes,
    diskFreeBytes: disk.freeBytes,
  });
  expect(serverReport([], disk, settings)).toMatchObject({ volumes: [], maxNeedleId: 0n });
});

test('the greatest needle id is that of all volumes', () => {
  const ids = [5n, 2n ** 64n - 1n, 9n];
  const volumes = ids.map((maxNeedleId, at) => stored(at + 1, { maxNeedleId }));
  expect(serverReport(volumes, disk, settings).maxNeedleId).toBe(2n ** 64n - 1n);
});

test('with less free than is to stay free, nothing more is placed here', () => {
  const volumes = [stored(1), stored(2, { isReadOnly: true })];
  const told = (freeBytes: number) =>
    serverReport(volumes, { ...disk, freeBytes }, settings).volumes.map(({ isReadOnly }) => isReadOnly);
  expect(told(10 * GiB)).toEqual([false, true]);
  expect(told(10 * GiB - 1)).toEqual([true, true]);
});

test('as many volumes as the disk has room for, those that will still grow counted in full', () => {
  const room = (volumes: Parameters<typeof serverReport>[0], freeBytes: number) =>
    serverReport(volumes, { ...disk, freeBytes }, { ...settings, maxVolumes: 0 }).maxVolumeCount;
  expect(room([], 100 * GiB)).toBe(3);
  expect(room([stored(1)], 100 * GiB)).toBe(3);
  expect(room([stored(1, { datSizeBytes: 30 * GiB })], 100 * GiB)).toBe(4);
  expect(room([stored(1, { isReadOnly: true })], 100 * GiB)).toBe(4);
  expect(room([], 5 * GiB)).toBe(1);
  expect(room([stored(1), stored(2)], 5 * GiB)).toBe(2);
});
