import { parseTtl, type Ttl, ttlSeconds } from '@holdfast/format';
import { HttpRefusal } from './answers.js';
import { dispositionFileName } from './content-disposition.js';
import type { HttpLimits } from './data-api-ports.js';
import { findFormFile } from './form-file.js';
import { createFormParser } from './form-parser.js';
import type { IdleWatch } from './idle-watch.js';
import { extensionOf, type MimeTypeOf, OCTET_STREAM } from './mime-types.js';
import { fromHeaderText } from './needle-headers.js';
import type { NeedlePath } from './needle-path.js';
import { type ReceivedBody, receiveBody } from './request-body.js';
import { isTrue } from './truth.js';

/** What a client sends to be stored. */
export interface Upload {
  readonly name: string;
  /** `""` for none. */
  readonly mime: string;
  /** It came packed and is kept so. */
  readonly isGzip: boolean;
  readonly isChunkManifest: boolean;
  /** Unix seconds; `undefined`: now. */
  readonly lastModifiedSeconds: number | undefined;
  readonly ttl: Ttl | undefined;
  /** JSON; `undefined` for none. */
  readonly pairs: string | undefined;
  /** Base64, of the unpacked content; `undefined` where nobody asks for it to be compared. */
  readonly expectedMd5: string | undefined;
  readonly data: ReceivedBody;
}

export interface UploadRequest {
  readonly path: NeedlePath;
  readonly query: URLSearchParams;
  readonly request: Request;
}

export interface UploadOptions {
  readonly mimeTypeOf: MimeTypeOf;
  readonly limits: HttpLimits;
  readonly watch: IdleWatch;
}

/**
 * Reads what a POST or PUT says (protocol.md §6). Errors 400, 408, 413, 431; what is wrong with data that still come is
 * told by their pieces.
 */
export async function receiveUpload(
  { path, query, request }: UploadRequest,
  { mimeTypeOf, limits, watch }: UploadOptions,
): Promise<Upload> {
  const { headers } = request;
  const pairs = pairsOf(headers, limits.headerBytes);
  const isChunkManifest = isTrue(query.get('cm'));
  const common = {
    isChunkManifest,
    lastModifiedSeconds: parseSeconds(query.get('ts')),
    ttl: parseTtlLeniently(query.get('ttl')),
    pairs,
    expectedMd5: headers.get('content-md5') || undefined,
  };
  const contentType = headers.get('content-type') ?? '';
  if (request.method === 'POST' && contentType === '')
    throw new HttpRefusal(400, "request Content-Type isn't multipart/form-data");
  if (request.method !== 'POST' || !contentType.includes('form-data')) {
    const name =
      dispositionFileName(fromHeaderText(headers.get('content-disposition') ?? '')) || path.lastSegment;
    const data = await receiveBody(request, watch, limits.uploadBytes);
    const mime = contentType || byName(name);
    return { ...common, name, mime, isGzip: headers.get('content-encoding') === 'gzip', data };
  }
  const parser = createFormParser(contentType, limits);
  const formBytes = limits.uploadBytes + limits.formFieldBytes + 2 * limits.formPreambleBytes;
  const body = await receiveBody(request, watch, formBytes);
  const file = await findFormFile(body, parser, limits.formFieldBytes);
  const given = file.headers.contentType;
  const isTelling = given !== '' && given !== OCTET_STREAM;
  const mime = isChunkManifest ? '' : isTelling ? given : byName(file.fileName);
  const isGzip = file.headers.contentEncoding === 'gzip';
  return { ...common, name: file.fileName, mime, isGzip, data: file.data };

  /** The type of an extension, where it tells anything. */
  function byName(fileName: string): string {
    const type = mimeTypeOf(extensionOf(fileName)) ?? '';
    return type.startsWith(OCTET_STREAM) ? '' : type;
  }
}

const DIGITS = /^[0-9]{1,20}$/;
const MAX_UINT64 = 2n ** 64n - 1n;
/** What is stored of a time. */
const SECONDS_BITS = 40;

/** As a server reads it: what is no number is none, and so is 0; of a great one the low bits are kept. */
function parseSeconds(text: string | null): number | undefined {
  if (text === null || !DIGITS.test(text)) return undefined;
  const seconds = BigInt(text);
  if (seconds === 0n || seconds > MAX_UINT64) return undefined;
  return Number(BigInt.asUintN(SECONDS_BITS, seconds));
}

/** What is no ttl is none (protocol.md §6). */
function parseTtlLeniently(text: string | null): Ttl | undefined {
  if (text === null) return undefined;
  try {
    const ttl = parseTtl(text);
    return ttlSeconds(ttl) === 0 ? undefined : ttl;
  } catch {
    return undefined;
  }
}

const PAIR_PREFIX = 'seaweed-';
/** JSON of them that is longer is not kept. */
const MAX_PAIRS_BYTES = 65_535;

/** Header fields `Seaweed-…` as the JSON that a server makes of them: sorted, names as `Beta-Gamma`, no `<`, `>` or `&`. */
function pairsOf(headers: Headers, maxHeaderBytes: number): string | undefined {
  const pairs: [name: string, value: string][] = [];
  let headerBytes = 0;
  headers.forEach((value, name) => {
    headerBytes += name.length + value.length;
    if (name.startsWith(PAIR_PREFIX)) pairs.push([canonical(name.slice(PAIR_PREFIX.length)), value]);
  });
  if (headerBytes > maxHeaderBytes)
    throw new HttpRefusal(431, `header fields of ${headerBytes} bytes, at most ${maxHeaderBytes}`);
  if (pairs.length === 0) return undefined;
  const members = pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(fromHeaderText(value))}`);
  const json = `{${members.join(',')}}`.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new TextEncoder().encode(json).length > MAX_PAIRS_BYTES ? undefined : json;
}

function canonical(name: string): string {
  return name.replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
