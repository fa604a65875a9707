import {
  FormatError,
  formatVolumeName,
  parseReplicaPlacement,
  parseTtl,
  type Version,
} from '@holdfast/format';
import { create, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { isStoreError } from '@holdfast/store';
import { refusal, requireVolume } from './call-errors.js';
import { markVolume } from './mark-volume.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/** Volumes come, go, and are marked. */
export function administrationCalls(server: VolumeServer): VolumeServerHandlers {
  const { store } = server;

  const toMark = (volumeId: number) => requireVolume(store, volumeId, `volume ${volumeId} not found`);

  return {
    async allocateVolume({ volumeId, collection, replication, ttl, diskType, version }) {
      if (version < 1 || version > 3) throw refusal(`volume super block version ${version} is not supported`);
      const name = { volumeId, collection };
      const options = {
        ...name,
        replicaPlacement: parsed(
          () => parseReplicaPlacement(replication),
          `unexpected replication type: ${replication}`,
        ),
        ttl: parsed(() => parseTtl(ttl), `strconv.Atoi: parsing ${JSON.stringify(ttl)}: invalid syntax`),
        version: version as Version,
      };
      parsed(() => formatVolumeName(name), `invalid collection ${JSON.stringify(collection)}`);
      if (store.find(volumeId) !== undefined) throw alreadyThere(volumeId);
      assertRoom(server, diskType);
      try {
        await store.allocate(options);
      } catch (error) {
        if (isStoreError(error, 'exists')) throw alreadyThere(volumeId);
        if (isStoreError(error, 'no-space')) throw refusal('No more free space left');
        throw error;
      }
      return create(pb.AllocateVolumeResponseSchema);
    },

    async volumeMount({ volumeId }) {
      try {
        await store.mount(volumeId);
      } catch (error) {
        if (isStoreError(error, 'locked', 'closed')) throw error;
        throw new RpcError('unknown', `volume ${volumeId} not found on disk`, error);
      }
      return create(pb.VolumeMountResponseSchema);
    },

    async volumeUnmount({ volumeId }) {
      await store.unmount(volumeId);
      return create(pb.VolumeUnmountResponseSchema);
    },

    async volumeDelete({ volumeId, onlyEmpty }) {
      // The files of a volume that is not mounted were put aside by somebody: they stay.
      if (store.find(volumeId) === undefined) throw missingToDelete(volumeId);
      try {
        await store.delete(volumeId, { onlyEmpty });
      } catch (error) {
        if (isStoreError(error, 'not-found')) throw missingToDelete(volumeId);
        if (!isStoreError(error, 'volume-not-empty')) throw error;
        throw new RpcError('failed-precondition', `DeleteVolume ${volumeId}: volume not empty`, error);
      }
      return create(pb.VolumeDeleteResponseSchema);
    },

    async deleteCollection({ collection }) {
      for (const { name } of store.list())
        if (name.collection === collection) await store.delete(name.volumeId);
      return create(pb.DeleteCollectionResponseSchema);
    },

    async volumeMarkReadonly({ volumeId, persist, canDelete }, { signal }) {
      await markVolume(server, toMark(volumeId), true, { persist, canDelete }, signal);
      return create(pb.VolumeMarkReadonlyResponseSchema);
    },

    async volumeMarkWritable({ volumeId }, { signal }) {
      await markVolume(server, toMark(volumeId), false, { persist: true, canDelete: false }, signal);
      return create(pb.VolumeMarkWritableResponseSchema);
    },
  };
}

/** Fails where one more volume of the disk type has no room. */
export function assertRoom({ store, maxVolumes, diskType = '' }: VolumeServer, wanted: string): void {
  const isFull = maxVolumes !== undefined && store.list().length >= maxVolumes;
  if (isFull || normalDiskType(wanted) !== normalDiskType(diskType)) throw refusal('No more free space left');
}

function normalDiskType(diskType: string): string {
  return diskType === 'hdd' ? '' : diskType;
}

function alreadyThere(volumeId: number): RpcError {
  return refusal(`Volume Id ${volumeId} already exists!`);
}

function missingToDelete(volumeId: number): RpcError {
  return new RpcError('not-found', `delete volume ${volumeId} not found on disk: volume not found`);
}

/** What the text of a request means; SeaweedFS's own words where it means nothing. */
function parsed<T>(parse: () => T, text: string): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) throw new RpcError('unknown', text, error);
    throw error;
  }
}
