import { formatFileId, type Random } from '@holdfast/format';
import type { NeedleStore, StoredVolume } from '@holdfast/leader';
import { create, createRpcService, RpcError, type RpcService } from '@holdfast/protocol';
import {
  FilesService,
  PutFileResponseSchema,
  type WatchVolumeResponse,
  WatchVolumeResponseSchema,
} from './gen/example/v1/files_pb.js';

/** Files by name, and a look at how a volume grows. */
export function createFilesService(store: NeedleStore, random: Random): RpcService {
  const nextIds = new Map<StoredVolume, bigint>();

  function volumeOf(volumeId: number): StoredVolume {
    const volume = store.find(volumeId);
    if (volume === undefined) throw new RpcError('not-found', `there is no volume ${volumeId}`);
    return volume;
  }

  function newFileId(volume: StoredVolume) {
    const needleId = nextIds.get(volume) ?? volume.status().maxNeedleId + 1n;
    nextIds.set(volume, needleId + 1n);
    const cookie = new DataView(random.bytes(4).buffer).getUint32(0);
    return { volumeId: volume.name.volumeId, needleId, cookie };
  }

  return createRpcService(FilesService, {
    async putFile({ volumeId, name, mimeType, content: data }) {
      const volume = volumeOf(volumeId);
      const fileId = newFileId(volume);
      const mime = mimeType === '' ? undefined : mimeType;
      await volume.write({ content: { ...fileId, name, mime }, data });
      return create(PutFileResponseSchema, { fileId: formatFileId(fileId) });
    },

    async *watchVolume(requests, { signal }) {
      for await (const { volumeId } of requests) yield* watch(store, volumeOf(volumeId), signal);
    },
  });
}

async function* watch(
  store: NeedleStore,
  volume: StoredVolume,
  signal: AbortSignal,
): AsyncGenerator<WatchVolumeResponse> {
  let wake = () => {};
  signal.addEventListener('abort', () => wake(), { once: true });
  const unlisten = store.onDurable(({ volumeId }) => {
    if (volumeId === volume.name.volumeId) wake();
  });
  try {
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const { liveNeedles, datSizeBytes, revision } = volume.status();
      const counts = { fileCount: BigInt(liveNeedles), datSizeBytes: BigInt(datSizeBytes) };
      yield create(WatchVolumeResponseSchema, { ...counts, revision });
      await changed;
    }
  } finally {
    unlisten();
  }
}
