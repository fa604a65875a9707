import type { NeedleDataPieces } from '../needles/stored-volume.js';
import { HttpRefusal } from './answers.js';
import { joinPieces } from './content.js';
import type { Gzip, HttpEnvironment, HttpLimits, Md5Stream } from './data-api-ports.js';
import { isCompressible, OCTET_STREAM } from './mime-types.js';
import { createPieceChannel } from './piece-channel.js';
import { tooLarge } from './request-body.js';
import { sniffContentType } from './sniff-content-type.js';
import type { Upload } from './upload.js';

/** An upload's data as they are to be stored. What is told of them is known when the last piece has been taken. */
export interface UploadData {
  readonly data: Uint8Array | NeedleDataPieces;
  readonly isGzip: boolean;
  /** Of the content, unpacked. */
  plainSizeBytes(): number;
  /** Base64; `undefined` where nothing was to be compared. */
  contentMd5(): string | undefined;
}

export interface UploadDataOptions {
  readonly env: Pick<HttpEnvironment, 'gzip' | 'createMd5'>;
  readonly limits: Pick<HttpLimits, 'uploadBytes'>;
}

/** Whether packing is worth it is seen by so much of a long content. */
const SAMPLE_BYTES = 1 << 20;

/**
 * Packs what is text (protocol.md §6): where that saves more than a tenth, of a long content of its first MiB. Compares the
 * content with the MD5 that is expected: error 400; 413 beyond the limit. Of data that come in pieces both take the place
 * of the last one.
 */
export async function prepareUploadData(upload: Upload, options: UploadDataOptions): Promise<UploadData> {
  const { env, limits } = options;
  const tally = createTally(upload.expectedMd5, env.createMd5, limits.uploadBytes);
  const told = { plainSizeBytes: tally.sizeBytes, contentMd5: tally.md5 };
  const { data } = upload;

  if (data instanceof Uint8Array) {
    if (upload.isGzip) await drain(tallyGzip(piecesOf(data), env.gzip, tally));
    else tally.push(data);
    tally.check();
    const packed = upload.isGzip ? undefined : await packIfWorth(data, upload.mime, env.gzip);
    return { data: packed ?? data, isGzip: upload.isGzip || packed !== undefined, ...told };
  }
  if (upload.isGzip) {
    const pieces = checked(tallyGzip(bounded(data, limits.uploadBytes), env.gzip, tally), tally);
    return { data: { pieces }, isGzip: true, ...told };
  }
  const source = data[Symbol.asyncIterator]();
  const { bytes, isWhole } = await sampleOf(source, tally);
  const packed = await packIfWorth(bytes, upload.mime, env.gzip);
  if (isWhole) {
    tally.check();
    return { data: packed ?? bytes, isGzip: packed !== undefined, ...told };
  }
  const plain = checked(rest(bytes, source, tally), tally);
  const pieces = packed === undefined ? plain : env.gzip.packPieces(plain);
  return { data: { pieces }, isGzip: packed !== undefined, ...told };
}

/** What the content comes to. */
interface Tally {
  /** Error 413. */
  push(bytes: Uint8Array): void;
  /** What came is not what counts: other bytes are told of instead. */
  restart(sizeBytes: number, md5: Md5Stream | undefined): void;
  /** Error 400. */
  check(): void;
  sizeBytes(): number;
  md5(): string | undefined;
}

function createTally(
  expectedMd5: string | undefined,
  createMd5: () => Md5Stream,
  maxBytes: number,
): Tally & { readonly createMd5: () => Md5Stream | undefined } {
  const createIfAsked = () => (expectedMd5 === undefined ? undefined : createMd5());
  let md5 = createIfAsked();
  let sizeBytes = 0;
  let digest: string | undefined;
  return {
    createMd5: createIfAsked,
    push(bytes) {
      sizeBytes += bytes.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      md5?.push(bytes);
    },
    restart(otherBytes, otherMd5) {
      sizeBytes = otherBytes;
      md5 = otherMd5;
    },
    check() {
      if (md5 === undefined) return;
      digest = btoa(String.fromCharCode(...md5.digest()));
      if (digest === expectedMd5) return;
      const message = `Content-MD5 did not match md5 of file data expected [${expectedMd5}] received [${digest}] size ${sizeBytes}`;
      throw new HttpRefusal(400, message);
    },
    sizeBytes: () => sizeBytes,
    md5: () => digest,
  };
}

async function packIfWorth(bytes: Uint8Array, mime: string, gzip: Gzip): Promise<Uint8Array | undefined> {
  const type = mime === '' ? sniffContentType(bytes) : mime;
  if (bytes.length === 0 || type === OCTET_STREAM || !isCompressible(type)) return undefined;
  const packed = await gzip.pack(bytes);
  return packed.length * 10 < bytes.length * 9 ? packed : undefined;
}

async function sampleOf(source: AsyncIterator<Uint8Array>, tally: Tally) {
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  while (heldBytes <= SAMPLE_BYTES) {
    const { value, done } = await source.next();
    if (done === true) return { bytes: joinPieces(held), isWhole: true };
    tally.push(value);
    held.push(value);
    heldBytes += value.length;
  }
  return { bytes: joinPieces(held), isWhole: false };
}

async function* rest(
  begun: Uint8Array,
  source: AsyncIterator<Uint8Array>,
  tally: Tally,
): AsyncGenerator<Uint8Array> {
  try {
    yield begun;
    for (;;) {
      const { value, done } = await source.next();
      if (done === true) return;
      tally.push(value);
      yield value;
    }
  } finally {
    await source.return?.();
  }
}

async function* checked(pieces: AsyncIterable<Uint8Array>, tally: Tally): AsyncGenerator<Uint8Array> {
  yield* pieces;
  tally.check();
}

async function* bounded(pieces: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    yield piece;
  }
}

/** The pieces as they are, while they are unpacked beside for what is told of them; what is no gzip counts as it is. */
async function* tallyGzip(
  pieces: AsyncIterable<Uint8Array>,
  gzip: Gzip,
  tally: Tally & { readonly createMd5: () => Md5Stream | undefined },
): AsyncGenerator<Uint8Array> {
  const channel = createPieceChannel();
  let refusal: HttpRefusal | undefined;
  const unpacking = (async () => {
    for await (const piece of gzip.unpackPieces(channel.pieces)) tally.push(piece);
    return true;
  })().catch((error) => {
    if (error instanceof HttpRefusal) refusal = error;
    return false;
  });
  let storedBytes = 0;
  const storedMd5 = tally.createMd5();
  try {
    for await (const piece of pieces) {
      storedBytes += piece.length;
      storedMd5?.push(piece);
      await Promise.race([channel.put(piece), unpacking]);
      if (refusal !== undefined) throw refusal;
      yield piece;
    }
  } finally {
    channel.end();
  }
  const isGzip = await unpacking;
  if (refusal !== undefined) throw refusal;
  if (!isGzip) tally.restart(storedBytes, storedMd5);
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of pieces);
}
