import { FormatError, formatVolumeName, type VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { create, onlyRequest, volumeServerPb as pb } from '@holdfast/protocol';
import { isStoreError, type StoreEnvironment } from '@holdfast/store';
import { refusal, requireVolume } from './call-errors.js';
import type { Since } from './since.js';
import { streamFile } from './stream-file.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

const ANY_REVISION = 0xffff_ffff;
const EXTENSION = /^\.[0-9A-Za-z]+$/;

/** A file as it is copied: so much of it, and nothing of what it becomes. */
interface CopiedFile {
  readonly source: Pick<RandomAccess, 'readAt'>;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  close(): Promise<void>;
}

/** Bytes of a volume's files: of one generation each, and only what is durable. */
export function copyCalls(server: VolumeServer, since: Since): VolumeServerHandlers {
  const { env, store, limits } = server;

  /** `.dat` and `.idx` of an open volume, one generation of both; `undefined` for any other file. */
  async function openPinned(name: VolumeName, ext: string): Promise<CopiedFile | undefined> {
    const volume = store.find(name.volumeId, name.collection);
    if (volume === undefined || (ext !== '.dat' && ext !== '.idx')) return undefined;
    const { dat, idx, datSizeBytes, idxSizeBytes, close } = volume.pin();
    const [source, sizeBytes] = ext === '.dat' ? [dat, datSizeBytes] : [idx, idxSizeBytes];
    return { source, sizeBytes, mtimeNs: BigInt(volume.status().modifiedAtSeconds) * 1_000_000_000n, close };
  }

  async function* contentOf(file: CopiedFile, stopOffset: number, signal: AbortSignal) {
    const endOffset = Math.min(stopOffset, file.sizeBytes);
    let modifiedTsNs = file.mtimeNs;
    try {
      // The first message tells of the file though there be nothing in it.
      if (endOffset <= 0) yield create(pb.CopyFileResponseSchema, { modifiedTsNs });
      for await (const fileContent of streamFile(file.source, 0, endOffset, limits.messageBytes, signal)) {
        yield create(pb.CopyFileResponseSchema, { fileContent, modifiedTsNs });
        modifiedTsNs = 0n;
      }
    } finally {
      await file.close();
    }
  }

  return {
    async *copyFile(requests, { signal }) {
      const request = await onlyRequest(requests);
      const { volumeId, ext, isEcVolume, ignoreSourceFileNotFound } = request;
      if (!EXTENSION.test(ext)) throw refusal(`invalid file extension ${JSON.stringify(ext)}`);
      assertCollection(request);
      let name: VolumeName = request;
      if (!isEcVolume) {
        const { name: own, superBlock } = requireVolume(store, volumeId);
        const { compactionRevision } = request;
        if (compactionRevision !== ANY_REVISION && compactionRevision !== superBlock.compactionRevision)
          throw refusal(`volume ${volumeId} is compacted`);
        name = own;
      }
      // Its high bit is a sign: nothing is asked for then.
      const stopOffset = Number(BigInt.asIntN(64, request.stopOffset));
      const file = (await openPinned(name, ext)) ?? (await openNamed(env, store.directory, name, ext));
      if (file !== undefined) yield* contentOf(file, stopOffset, signal);
      else if (!ignoreSourceFileNotFound && (isEcVolume || stopOffset !== 0))
        throw refusal(
          isEcVolume
            ? `CopyFile not found ec volume id ${volumeId}`
            : `open ${formatVolumeName(name)}${ext}: no such file or directory`,
        );
    },

    async *volumeIncrementalCopy(requests, { signal }) {
      const { volumeId, sinceNs } = await onlyRequest(requests);
      const pinned = requireVolume(store, volumeId).pin();
      try {
        for await (const fileContent of since.bytes(pinned, volumeId, sinceNs, limits.messageBytes, signal))
          yield create(pb.VolumeIncrementalCopyResponseSchema, { fileContent });
      } finally {
        await pinned.close();
      }
    },
  };
}

async function openNamed(
  { disk }: StoreEnvironment,
  directory: string,
  name: VolumeName,
  ext: string,
): Promise<CopiedFile | undefined> {
  try {
    const file = await disk.open(`${directory}/${formatVolumeName(name)}${ext}`, { mode: 'read' });
    const { sizeBytes, mtimeNs } = await file.stat();
    return { source: file, sizeBytes, mtimeNs, close: () => file.close() };
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
}

function assertCollection(name: VolumeName): void {
  try {
    formatVolumeName(name);
  } catch (error) {
    if (error instanceof FormatError) throw refusal(`invalid collection ${JSON.stringify(name.collection)}`);
    throw error;
  }
}
