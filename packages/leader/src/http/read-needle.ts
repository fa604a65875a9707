import { isStoreError } from '@holdfast/store';
import type { OpenNeedle } from '../needles/stored-volume.js';
import { type AnswerHeaders, emptyAnswer, HttpRefusal } from './answers.js';
import { type ChunkReader, manifestContent, readManifest } from './chunk-manifest.js';
import { isNotModified, isRangeWanted, type Validators } from './conditions.js';
import type { Content } from './content.js';
import { formatDisposition } from './content-disposition.js';
import type { Gzip, HttpLimits, ReadableVolume } from './data-api-ports.js';
import { formatHttpDate } from './http-date.js';
import type { IdleWatch } from './idle-watch.js';
import { extensionOf, type MimeTypeOf, OCTET_STREAM } from './mime-types.js';
import { isGzip, storedContent, unpackedContent } from './needle-content.js';
import { formatEtag, pairHeaders, textOf } from './needle-headers.js';
import type { NeedlePath } from './needle-path.js';
import { sendContent } from './send-content.js';
import { sniffContentType } from './sniff-content-type.js';
import { isTrue } from './truth.js';

export interface NeedleReaderOptions {
  readonly gzip: Gzip;
  readonly mimeTypeOf: MimeTypeOf;
  readonly limits: HttpLimits;
  readonly watch: IdleWatch;
  readonly chunks: ChunkReader;
  readonly createBoundary: () => string;
}

export interface ReadRequest {
  readonly path: NeedlePath;
  readonly query: URLSearchParams;
  readonly request: Request;
}

/** What is known of a content apart from its bytes. */
interface Presentation {
  readonly content: Content;
  readonly fileName: string;
  /** `""` where nothing is known. */
  readonly mime: string;
}

export type NeedleReader = (volume: ReadableVolume, asked: ReadRequest) => Promise<Response>;

/** GET and HEAD of a needle (protocol.md §6). */
export function createNeedleReader(options: NeedleReaderOptions): NeedleReader {
  const { gzip, mimeTypeOf, limits, watch, chunks, createBoundary } = options;

  async function openOf(volume: ReadableVolume, { path, query }: ReadRequest): Promise<OpenNeedle> {
    try {
      const { cookie } = path;
      return await (query.get('readDeleted') === 'true'
        ? volume.open(path.needleId, { cookie, readDeleted: true })
        : volume.open(path.needleId, { cookie }));
    } catch (cause) {
      if (isStoreError(cause, 'needle-not-found', 'cookie-mismatch'))
        throw new HttpRefusal(404, '', { cause });
      throw cause;
    }
  }

  async function present(
    needle: OpenNeedle,
    { path, query, request }: ReadRequest,
    headers: AnswerHeaders,
  ): Promise<Presentation> {
    const { meta } = needle;
    if (meta.isChunkManifest && query.get('cm') !== 'false') {
      const manifest = await readManifest(needle, gzip, limits.manifestBytes);
      headers['x-file-store'] = 'chunked';
      const content = manifestContent(manifest, chunks, () => needle.close());
      return { content, fileName: path.fileName || manifest.name, mime: manifest.mime };
    }
    const fileName = path.fileName || textOf(meta.name);
    const mime = textOf(meta.mime);
    if (!meta.isCompressed || !(await isGzip(needle)))
      return { content: storedContent(needle), fileName, mime };
    headers.vary = 'Accept-Encoding';
    if (acceptsGzip(request.headers)) {
      headers['content-encoding'] = 'gzip';
      return { content: storedContent(needle), fileName, mime };
    }
    return { content: await unpackedContent(needle, gzip), fileName, mime };
  }

  /** As stored, by the name, by a pair, by the bytes; gzip that is sent as it is tells nothing by its bytes. */
  async function typeOf(
    { content, fileName, mime }: Presentation,
    { extension }: NeedlePath,
    headers: AnswerHeaders,
  ): Promise<string | undefined> {
    if (mime !== '' && !mime.startsWith(OCTET_STREAM)) return mime;
    const byName = mimeTypeOf(extension.toLowerCase() || extensionOf(fileName));
    const known = byName ?? headers['content-type'];
    if (known !== undefined || content.sizeBytes === 0 || headers['content-encoding'] !== undefined)
      return known;
    return sniffContentType(content.bytes ?? (await content.first()));
  }

  async function answer(needle: OpenNeedle, asked: ReadRequest): Promise<Response> {
    const { path, query, request } = asked;
    const { headers: requestHeaders } = request;
    const { lastModifiedSeconds = 0, pairs } = needle.meta;
    const etag = formatEtag(needle.crc);
    const hasDate = lastModifiedSeconds > 0;
    const validators: Validators = { etag, lastModifiedSeconds: hasDate ? lastModifiedSeconds : undefined };
    const headers: AnswerHeaders = {};
    if (hasDate) headers['last-modified'] = formatHttpDate(lastModifiedSeconds);
    headers.etag = etag;
    if (isNotModified(requestHeaders, validators)) {
      await needle.close();
      return emptyAnswer(304, headers);
    }
    headers['accept-ranges'] = 'bytes';
    if (pairs !== undefined && pairs.length > 0) pairHeaders(pairs, headers);
    const presentation = await present(needle, asked, headers);
    const { content, fileName } = presentation;
    try {
      const type = await typeOf(presentation, path, headers);
      if (type !== undefined) headers['content-type'] = type;
      if (fileName !== '' && headers['content-disposition'] === undefined) {
        const kind = isTrue(query.get('dl')) ? 'attachment' : 'inline';
        headers['content-disposition'] = formatDisposition(kind, fileName);
      }
      const isHead = request.method === 'HEAD';
      const range = isHead ? null : requestHeaders.get('range');
      return await sendContent(content, headers, {
        isHead,
        range: range !== null && isRangeWanted(requestHeaders, validators) ? range : null,
        maxRanges: limits.ranges,
        watch,
        createBoundary,
      });
    } catch (error) {
      await content.close();
      throw error;
    }
  }

  return async (volume, asked) => {
    const needle = await openOf(volume, asked);
    try {
      return await answer(needle, asked);
    } catch (error) {
      await needle.close();
      throw error;
    }
  };
}

const GZIP_CODING =
  /(?:^|,)[ \t]*(?:gzip|x-gzip|\*)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*)?(?:,|$)/i;

function acceptsGzip(headers: Headers): boolean {
  const match = GZIP_CODING.exec(headers.get('accept-encoding') ?? '');
  return match !== null && (match[1] === undefined || Number(match[1]) > 0);
}
