import {
  FLAG_CHUNK_MANIFEST,
  FLAG_COMPRESSED,
  MAX_MIME_BYTES,
  MAX_NAME_BYTES,
  type NeedleContent,
} from '@holdfast/format';
import { isStoreError } from '@holdfast/store';
import type { WrittenNeedle } from '../needles/stored-volume.js';
import { emptyAnswer, HttpRefusal, jsonAnswer } from './answers.js';
import { credentialsOf } from './credentials.js';
import type { HttpEnvironment, HttpLimits, WritableVolume } from './data-api-ports.js';
import type { IdleWatch } from './idle-watch.js';
import type { MimeTypeOf } from './mime-types.js';
import { formatEtag } from './needle-headers.js';
import type { NeedlePath } from './needle-path.js';
import type { Replication } from './replication.js';
import { receiveUpload, type Upload } from './upload.js';
import { prepareUploadData, type UploadData } from './upload-data.js';

export interface NeedleWriterOptions {
  readonly env: HttpEnvironment;
  readonly mimeTypeOf: MimeTypeOf;
  readonly limits: HttpLimits;
  readonly watch: IdleWatch;
  readonly replication: Replication;
  readonly isDurable: boolean;
}

export interface WriteRequest {
  readonly path: NeedlePath;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly request: Request;
}

/** `undefined` where the volume is not here. */
export type NeedleWriter = (volume: WritableVolume | undefined, asked: WriteRequest) => Promise<Response>;

/** POST and PUT of a needle (protocol.md §6). */
export function createNeedleWriter(options: NeedleWriterOptions): NeedleWriter {
  const { env, limits, replication } = options;

  return async (volume, asked) => {
    const { path, pathname, query, request } = asked;
    const { volumeId } = path;
    const upload = await receiveUpload(asked, options);
    if (volume === undefined) throw new HttpRefusal(500, `volume ${volumeId} not found`);
    const isReplica = query.get('type') === 'replicate';
    const others = isReplica ? [] : await replication.locate(volumeId, volume.superBlock);
    const prepared = await prepareUploadData(upload, { env, limits });
    const lastModifiedSeconds = upload.lastModifiedSeconds ?? Math.trunc(env.clock.nowMs() / 1000);
    const content = contentOf(path, upload, prepared, lastModifiedSeconds);
    const isDurable = options.isDurable || query.get('fsync') === 'true';
    const written = await writeLocally(volume, content, prepared, isDurable);
    if (others.length > 0) {
      await replication.write(others, {
        volumeId,
        pathname,
        credentials: credentialsOf(request),
        upload,
        lastModifiedSeconds,
        isGzip: prepared.isGzip,
        storedData: () =>
          prepared.data instanceof Uint8Array ? prepared.data : readBack(volume, path, written),
      });
    }
    return answerOf(upload, prepared, written);
  };
}

/** The name and the type are kept even when they are empty, and not at all when they are too long (format.md §4). */
function contentOf(
  { needleId, cookie }: NeedlePath,
  { name, mime, isChunkManifest, ttl, pairs }: Upload,
  { isGzip }: UploadData,
  lastModifiedSeconds: number,
): Omit<NeedleContent, 'data'> {
  const encoder = new TextEncoder();
  const kept = (text: string, maxBytes: number) => {
    const bytes = encoder.encode(text);
    return bytes.length > maxBytes ? undefined : bytes;
  };
  return {
    needleId,
    cookie,
    flags: (isGzip ? FLAG_COMPRESSED : 0) | (isChunkManifest ? FLAG_CHUNK_MANIFEST : 0),
    name: kept(name, MAX_NAME_BYTES),
    mime: kept(mime, MAX_MIME_BYTES),
    lastModifiedSeconds,
    ttl,
    pairs,
  };
}

async function writeLocally(
  volume: WritableVolume,
  content: Omit<NeedleContent, 'data'>,
  { data }: UploadData,
  isDurable: boolean,
): Promise<WrittenNeedle> {
  try {
    return await volume.write({ content, data }, { isDurable });
  } catch (cause) {
    if (cause instanceof HttpRefusal || !(cause instanceof Error)) throw cause;
    const isOtherCookie = isStoreError(cause, 'cookie-mismatch');
    const why = isOtherCookie ? `mismatching cookie ${content.cookie.toString(16)}` : cause.message;
    throw new HttpRefusal(500, `failed to write to local disk: ${why}`, { cause });
  }
}

async function* readBack(
  volume: WritableVolume,
  { needleId, cookie }: NeedlePath,
  { crc }: WrittenNeedle,
): AsyncGenerator<Uint8Array> {
  const needle = await volume.open(needleId, { cookie });
  try {
    if (needle.crc !== crc) throw new Error('the needle was overwritten meanwhile');
    yield* needle.read();
  } finally {
    await needle.close();
  }
}

function answerOf({ name, mime }: Upload, prepared: UploadData, written: WrittenNeedle): Response {
  const etag = formatEtag(written.crc);
  if (written.isUnchanged) return emptyAnswer(204, { etag });
  const encoder = new TextEncoder();
  const contentMd5 = prepared.contentMd5();
  const result = {
    name: encoder.encode(name).length > MAX_NAME_BYTES ? undefined : name || undefined,
    size: prepared.plainSizeBytes() || undefined,
    eTag: etag.slice(1, -1),
    mime: encoder.encode(mime).length > MAX_MIME_BYTES ? undefined : mime || undefined,
    contentMd5,
  };
  return jsonAnswer(201, result, contentMd5 === undefined ? { etag } : { etag, 'content-md5': contentMd5 });
}
