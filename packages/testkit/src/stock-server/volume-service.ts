import { create } from '@bufbuild/protobuf';
import { createRpcService, onlyRequest, RpcError, type RpcService, volumeServerPb } from '@holdfast/protocol';
import type { GrowingFile } from './growing-file.js';
import type { StockCall, StockHooks } from './stock-call.js';
import { stockRecordLengthBytes } from './stock-record.js';
import type { StockVolume } from './stock-volume.js';

export type StockRelease = '4.44' | '4.48';

export interface StockVolumeServiceOptions {
  readonly release: StockRelease;
  readonly volumes: ReadonlyMap<number, StockVolume>;
  readonly hooks: StockHooks;
  /** The size of a `CopyFile` message. */
  readonly messageBytes: number;
  /** The process ends: every call from now on fails. Returns what the caller of this very call gets. */
  readonly kill: (reason: string) => RpcError;
}

const ANY_REVISION = 0xffffffff;

const unknown = (text: string): RpcError => new RpcError('unknown', text);

/**
 * The calls of a volume server that a follower may use, with the quirks of both releases (protocol.md §3 to §5). A
 * call that could end the real process ends this one.
 */
export function createStockVolumeService(options: StockVolumeServiceOptions): RpcService {
  const { release, volumes, hooks, messageBytes, kill } = options;

  const require = (volumeId: number): StockVolume => {
    const volume = volumes.get(volumeId);
    if (!volume) throw unknown(`not found volume id ${volumeId}`);
    return volume;
  };

  const forbidden = (method: string): never => {
    throw kill(`${method} is not to be called on a stock server`);
  };

  return createRpcService(volumeServerPb.VolumeServer, {
    async readVolumeFileStatus(request) {
      const { volumeId } = request;
      await hooks.beforeCall?.({ method: 'readVolumeFileStatus', volumeId });
      const volume = require(volumeId);
      return create(volumeServerPb.ReadVolumeFileStatusResponseSchema, {
        volumeId,
        idxFileSize: volume.isClosed ? 0n : BigInt(volume.idxFile.sizeBytes),
        datFileSize: volume.isClosed ? 0n : BigInt(volume.tailBytes),
        fileCount: BigInt(volume.liveNeedleCount),
        compactionRevision: volume.revision,
        collection: volume.collection,
        volumeInfo: { version: volume.runtimeVersion, bytesOffset: volume.offsetWidthBytes },
        version: volume.runtimeVersion,
      });
    },

    async volumeSyncStatus({ volumeId }) {
      await hooks.beforeCall?.({ method: 'volumeSyncStatus', volumeId });
      throw kill('VolumeSyncStatus is never to be called: on a closed volume it ends the process');
    },
    volumeIncrementalCopy: () => forbidden('VolumeIncrementalCopy'),
    volumeTailSender: () => forbidden('VolumeTailSender'),

    async readNeedleBlob(request) {
      const { volumeId, size } = request;
      const offset = Number(request.offset);
      const volume = require(volumeId);
      const lengthBytes = stockRecordLengthBytes(volume.runtimeVersion, size);
      await hooks.beforeCall?.({ method: 'readNeedleBlob', volumeId, offset, lengthBytes });
      if (volumes.get(volumeId) !== volume) throw unknown(`not found volume id ${volumeId}`);
      if (volume.isClosed) throw kill('ReadNeedleBlob on a closed volume');
      if (size < 0) {
        if (release === '4.48') throw unknown(`invalid needle size ${size}`);
        throw kill(`ReadNeedleBlob with size ${size}`);
      }
      if (offset < 0) throw unknown(`readat ${volumeId}.dat: negative offset`);
      const needleBlob = volume.datFile.read(offset, lengthBytes);
      if (needleBlob.length < lengthBytes) {
        throw unknown(`read needle blob offset ${offset} size ${size}: EOF`);
      }
      return create(volumeServerPb.ReadNeedleBlobResponseSchema, { needleBlob });
    },

    async *copyFile(requests) {
      const request = await onlyRequest(requests);
      const { volumeId, ext, isEcVolume, ignoreSourceFileNotFound } = request;
      const stopOffset = Number(BigInt.asIntN(64, request.stopOffset));
      const call: StockCall = { method: 'copyFile', volumeId, ext, offset: 0, lengthBytes: stopOffset };
      await hooks.beforeCall?.(call);
      const volume = volumes.get(volumeId);
      if (!isEcVolume) {
        const { revision } = require(volumeId);
        if (request.compactionRevision !== ANY_REVISION && request.compactionRevision !== revision) {
          throw unknown(`volume ${volumeId} is compacted`);
        }
      }
      const isNamed = volume !== undefined && (!isEcVolume || volume.collection === request.collection);
      const file = isNamed ? fileOf(volume, ext) : undefined;
      if (!file) {
        if (ignoreSourceFileNotFound || (!isEcVolume && stopOffset === 0)) return;
        if (isEcVolume) throw unknown(`CopyFile not found ec volume id ${volumeId}`);
        throw unknown(`open /data/${volumeId}${ext}: no such file or directory`);
      }
      for (let offset = 0, index = 0; index === 0 || offset < stopOffset; index++) {
        await hooks.beforeMessage?.(call, index);
        const fileContent = file.read(offset, Math.max(0, Math.min(messageBytes, stopOffset - offset)));
        if (index > 0 && fileContent.length === 0) return;
        yield create(volumeServerPb.CopyFileResponseSchema, {
          fileContent,
          modifiedTsNs: index === 0 ? 1n : 0n,
        });
        offset += fileContent.length;
      }
    },

    async volumeNeedleStatus({ volumeId, needleId }) {
      await hooks.beforeCall?.({ method: 'volumeNeedleStatus', volumeId });
      const volume = volumes.get(volumeId);
      if (!volume) throw unknown(`volume not found ${volumeId}`);
      const { state, sizeBytes } = volume.isClosed ? ABSENT : volume.find(needleId);
      if (state === 'deleted') throw unknown('already deleted');
      if (state === 'absent') {
        if (release === '4.48') throw new RpcError('not-found', `needle not found ${needleId}`);
        throw unknown('not found');
      }
      return create(volumeServerPb.VolumeNeedleStatusResponseSchema, { needleId, size: sizeBytes });
    },

    async volumeServerStatus() {
      await hooks.beforeCall?.({ method: 'volumeServerStatus', volumeId: 0 });
      return create(volumeServerPb.VolumeServerStatusResponseSchema, {
        version: release === '4.48' ? '8000GB 4.48 model' : '30GB 4.44 model',
      });
    },
  });
}

const ABSENT = { state: 'absent', sizeBytes: 0 } as const;

function fileOf(volume: StockVolume, ext: string): GrowingFile | undefined {
  switch (ext) {
    case '.dat':
      return volume.datFile;
    case '.idx':
      return volume.idxFile;
    case '.cpd':
      return volume.compaction?.datFile;
    case '.cpx':
      return volume.compaction?.idxFile;
    default:
      return undefined;
  }
}
