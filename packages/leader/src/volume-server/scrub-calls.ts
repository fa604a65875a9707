import { create, volumeServerPb as pb } from '@holdfast/protocol';
import { refusal, requireVolume } from './call-errors.js';
import { markVolume } from './mark-volume.js';
import { entryCount, type ScrubOptions, scrubVolume } from './scrub-volume.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

const { VolumeScrubMode: Mode } = pb;

const DEPTHS: Partial<Record<pb.VolumeScrubMode, ScrubOptions['depth']>> = {
  [Mode.INDEX]: 'index',
  [Mode.FULL]: 'records',
  [Mode.LOCAL]: 'records',
  [Mode.READS]: 'records',
};

/** Every volume asked for, or all, is read through while it is served. */
export function scrubCalls(server: VolumeServer): VolumeServerHandlers {
  const { env, store, limits } = server;
  return {
    async scrubVolume({ mode, volumeIds, markBrokenVolumesReadonly }, { signal }) {
      const depth = DEPTHS[mode];
      if (depth === undefined) throw refusal(`unsupported volume scrub mode ${mode}`);
      const volumes =
        volumeIds.length === 0
          ? store.list()
          : volumeIds.map((id) => requireVolume(store, id, `volume id ${id} not found`));
      let totalFiles = 0;
      const brokenVolumeIds: number[] = [];
      const details: string[] = [];
      for (const volume of volumes) {
        const { volumeId } = volume.name;
        const pin = volume.pin();
        try {
          totalFiles += await entryCount(pin);
          const lines = scrubVolume(pin, { volumeId, depth, crc32c: env.crc32c, signal });
          for await (const line of lines) {
            if (brokenVolumeIds.at(-1) !== volumeId) brokenVolumeIds.push(volumeId);
            if (details.length < limits.scrubDetails) details.push(line);
          }
        } finally {
          await pin.close();
        }
        if (markBrokenVolumesReadonly && brokenVolumeIds.at(-1) === volumeId)
          await markVolume(server, volume, true, { persist: false, canDelete: false }, signal);
      }
      return create(pb.ScrubVolumeResponseSchema, {
        totalVolumes: BigInt(volumes.length),
        totalFiles: BigInt(totalFiles),
        brokenVolumeIds,
        details,
      });
    },
  };
}
