import { isStoreError } from '@holdfast/store';
import type { OpenNeedle } from '../needles/stored-volume.js';
import { errorAnswer, HttpRefusal, jsonAnswer } from './answers.js';
import { type Chunk, readManifest } from './chunk-manifest.js';
import { credentialsOf } from './credentials.js';
import type { Gzip, HttpLimits, WritableVolume } from './data-api-ports.js';
import type { NeedlePath } from './needle-path.js';
import type { Replication } from './replication.js';

export interface NeedleDeleterOptions {
  readonly gzip: Gzip;
  readonly limits: HttpLimits;
  readonly replication: Replication;
  readonly isDurable: boolean;
  /** Deletes a chunk of a file, wherever it is; one that is not there is deleted. */
  readonly deleteChunk: (chunk: Chunk) => Promise<void>;
}

export interface DeleteRequest {
  readonly path: NeedlePath;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly request: Request;
}

export type NeedleDeleter = (volume: WritableVolume | undefined, asked: DeleteRequest) => Promise<Response>;

/** Chunks of a file that are deleted at the same time. */
const CHUNKS_AT_ONCE = 8;

/** DELETE of a needle (protocol.md §6). */
export function createNeedleDeleter(options: NeedleDeleterOptions): NeedleDeleter {
  const { gzip, limits, replication, isDurable, deleteChunk } = options;

  /** Of a file in chunks, these first: what is left of them could not be found any more. Gives the length of the file. */
  async function deleteChunks(needle: OpenNeedle): Promise<number> {
    const { chunks, sizeBytes } = await readManifest(needle, gzip, limits.manifestBytes);
    for (let at = 0; at < chunks.length; at += CHUNKS_AT_ONCE) {
      const results = await Promise.allSettled(chunks.slice(at, at + CHUNKS_AT_ONCE).map(deleteChunk));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) continue;
      const { reason } = failed;
      const message = `Delete chunks error: ${(reason as Error).message}`;
      throw new HttpRefusal(500, message, { cause: reason });
    }
    return sizeBytes;
  }

  return async (volume, { path, pathname, query, request }) => {
    const { needleId, cookie, volumeId } = path;
    try {
      if (volume === undefined) return jsonAnswer(404, { size: 0 });
      const needle = await volume.open(needleId, { cookie });
      const isReplica = query.get('type') === 'replicate';
      let fileBytes: number | undefined;
      try {
        if (needle.meta.isChunkManifest && !isReplica) fileBytes = await deleteChunks(needle);
      } finally {
        await needle.close();
      }
      const others = isReplica ? [] : await replication.locate(volumeId, volume.superBlock);
      const { freedSizeBytes } = await volume.delete(needleId, { cookie, isDurable });
      if (others.length > 0)
        await replication.delete(others, { volumeId, pathname, credentials: credentialsOf(request) });
      return jsonAnswer(202, { size: fileBytes ?? freedSizeBytes });
    } catch (error) {
      if (isStoreError(error, 'needle-not-found')) return jsonAnswer(404, { size: 0 });
      if (isStoreError(error, 'cookie-mismatch'))
        return errorAnswer(400, 'File Random Cookie does not match.');
      if (isStoreError(error)) return errorAnswer(500, `Deletion Failed: ${error.message}`);
      throw error;
    }
  };
}
