import { parseFileId } from '@holdfast/format';
import { isStoreError } from '@holdfast/store';
import { HttpRefusal } from './answers.js';
import type { ByteRange } from './byte-range.js';
import { type Chunk, type ChunkReader, manifestContent, readManifest } from './chunk-manifest.js';
import type { Content } from './content.js';
import type { Gzip, HttpLimits, ReadableVolumes, WritableVolumes } from './data-api-ports.js';
import type { IdleWatch } from './idle-watch.js';
import { isGzip, storedContent, unpackedContent } from './needle-content.js';
import { answerPieces, type PeerClient } from './peer-client.js';
import type { Replication } from './replication.js';

export interface ChunkAccessOptions {
  readonly reads: ReadableVolumes;
  readonly writes: WritableVolumes | undefined;
  readonly client: PeerClient;
  readonly replication: Replication;
  readonly gzip: Gzip;
  readonly limits: HttpLimits;
  readonly watch: IdleWatch;
  readonly isDurable: boolean;
}

/** The chunks of files, here or on other servers. */
export interface ChunkAccess extends ChunkReader {
  /** One that is not there is deleted. */
  delete(chunk: Chunk): Promise<void>;
}

/** A chunk may be a manifest itself; one that leads deeper is none that a server writes. */
const MAX_DEPTH = 4;

export function createChunkAccess(options: ChunkAccessOptions): ChunkAccess {
  const { reads, writes, client, replication, gzip, limits, watch, isDurable } = options;

  async function* read(fid: string, range: ByteRange, depth: number): AsyncGenerator<Uint8Array> {
    const { volumeId, needleId, cookie } = fileIdOf(fid);
    const volume = reads.find(volumeId);
    if (volume === undefined) {
      yield* readElsewhere(volumeId, fid, range);
      return;
    }
    const needle = await volume.open(needleId, { cookie });
    try {
      const content = await contentOf();
      if (content.sizeBytes < range.end)
        throw new HttpRefusal(500, `chunk ${fid} has ${content.sizeBytes} bytes, not ${range.end}`);
      yield* content.read(range);
    } finally {
      await needle.close();
    }

    async function contentOf(): Promise<Content> {
      const close = async () => {};
      if (needle.meta.isChunkManifest) {
        if (depth === MAX_DEPTH) throw new HttpRefusal(500, `chunk ${fid} is a manifest in too many others`);
        const manifest = await readManifest(needle, gzip, limits.manifestBytes);
        const inner: ChunkReader = { read: (innerFid, innerRange) => read(innerFid, innerRange, depth + 1) };
        return manifestContent(manifest, inner, close);
      }
      return (await isGzip(needle)) ? unpackedContent(needle, gzip) : storedContent(needle);
    }
  }

  async function* readElsewhere(
    volumeId: number,
    fid: string,
    { start, end }: ByteRange,
  ): AsyncGenerator<Uint8Array> {
    const headers = { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' };
    let why: unknown = new HttpRefusal(502, `no server has volume ${volumeId} of chunk ${fid}`);
    for (const location of await client.locate(volumeId)) {
      try {
        const response = await client.send(location, { method: 'GET', target: `/${fid}`, headers });
        if (response.status === 206) {
          yield* answerPieces(response, watch);
          return;
        }
        await response.body?.cancel();
        why = new HttpRefusal(502, `${location.address} answers ${response.status} for chunk ${fid}`);
      } catch (error) {
        why = error;
      }
    }
    throw why;
  }

  return {
    read: (fid, range) => read(fid, range, 1),
    async delete({ fid }) {
      const { volumeId, needleId, cookie } = fileIdOf(fid);
      const volume = writes?.find(volumeId);
      if (volume === undefined) {
        const [location] = await client.locate(volumeId);
        if (location === undefined) return;
        const response = await client.send(location, { method: 'DELETE', target: `/${fid}` });
        const text = await response.text();
        if (response.ok || response.status === 404) return;
        throw new HttpRefusal(500, `${location.address}: ${response.status} ${text.slice(0, 200)}`);
      }
      const others = await replication.locate(volumeId, volume.superBlock);
      try {
        await volume.delete(needleId, { cookie, isDurable });
      } catch (error) {
        if (!isStoreError(error, 'needle-not-found')) throw error;
      }
      if (others.length > 0)
        await replication.delete(others, { volumeId, pathname: `/${fid}`, credentials: {} });
    },
  };
}

function fileIdOf(fid: string) {
  try {
    return parseFileId(fid);
  } catch (cause) {
    throw new HttpRefusal(500, `a chunk by the name of ${JSON.stringify(fid)}`, { cause });
  }
}
