import { type FileId, FLAG_CHUNK_MANIFEST, FormatError, parseFileId } from '@holdfast/format';
import { create, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { StoreError } from '@holdfast/store';
import type { StoredVolume } from '../needles/stored-volume.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/** Deletions that are under way at once: those of one volume share their syncs. */
const AT_ONCE = 64;

type Result = Pick<pb.DeleteResult, 'status' | 'error' | 'size'>;

/** Many deletions in one call, each with an answer of its own: an HTTP status (format.md §12). */
export function batchDelete({ store, limits }: VolumeServer): VolumeServerHandlers {
  async function answer(text: string, skipsCookieCheck: boolean): Promise<Result> {
    const fileId = parsed(text);
    if (fileId === undefined)
      return refused(400, text.includes(',') ? `Invalid fid: ${text}` : 'Wrong fid format.');
    const volume = store.find(fileId.volumeId);
    if (volume === undefined) return refused(404, `volume ${fileId.volumeId} not found`);
    try {
      return await deleteNeedle(volume, fileId, skipsCookieCheck);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return refusedFor(error, skipsCookieCheck);
    }
  }

  return {
    async batchDelete({ fileIds, skipCookieCheck }) {
      if (fileIds.length > limits.fileIdsPerCall) {
        const text = `${fileIds.length} file ids; ${limits.fileIdsPerCall} are the limit`;
        throw new RpcError('invalid-argument', text);
      }
      const results: pb.DeleteResult[] = [];
      for (let i = 0; i < fileIds.length; i += AT_ONCE) {
        const some = fileIds
          .slice(i, i + AT_ONCE)
          .map(async (fileId) =>
            create(pb.DeleteResultSchema, { fileId, ...(await answer(fileId, skipCookieCheck)) }),
          );
        results.push(...(await Promise.all(some)));
      }
      return create(pb.BatchDeleteResponseSchema, { results });
    },
  };
}

async function deleteNeedle(
  volume: StoredVolume,
  { needleId, cookie }: FileId,
  skipsCookieCheck: boolean,
): Promise<Result> {
  if (!skipsCookieCheck) {
    const needle = await volume.open(needleId, { cookie });
    const isChunkManifest = (needle.meta.flags & FLAG_CHUNK_MANIFEST) !== 0;
    await needle.close();
    if (isChunkManifest) return refused(406, 'ChunkManifest: not allowed in batch delete mode.');
  }
  const { freedSizeBytes } = await volume.delete(needleId, skipsCookieCheck ? {} : { cookie });
  return { status: 202, error: '', size: freedSizeBytes };
}

function refusedFor(error: StoreError, skipsCookieCheck: boolean): Result {
  switch (error.code) {
    case 'needle-not-found':
      return skipsCookieCheck ? { status: 304, error: '', size: 0 } : refused(404, 'already deleted');
    case 'cookie-mismatch':
      return refused(400, 'File Random Cookie does not match.');
    case 'corrupt':
      return refused(404, 'needle data corrupted');
    case 'read-only':
      return refused(500, `volume ${error.volume} is read only`);
    default:
      return refused(500, error.code);
  }
}

function refused(status: number, error: string): Result {
  return { status, error, size: 0 };
}

function parsed(text: string): FileId | undefined {
  try {
    return parseFileId(text);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
