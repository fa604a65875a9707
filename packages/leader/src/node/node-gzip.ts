import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, createGzip, type Gunzip, gunzip, gzip, type Gzip as NodeGzipStream } from 'node:zlib';
import type { Gzip } from '../http/data-api-ports.js';

const packBytes = promisify(gzip);
const unpackBytes = promisify(gunzip);

/** gzip in the threads of this process. */
export const nodeGzip: Gzip = {
  pack: (bytes) => packBytes(bytes),
  async unpack(bytes, maxBytes) {
    try {
      return await unpackBytes(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw error;
    }
  },
  packPieces: (pieces) => through(pieces, createGzip()),
  unpackPieces: (pieces) => through(pieces, createGunzip()),
};

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Gunzip | NodeGzipStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = pipeline(Readable.from(source), transform);
  // Whoever reads meets the failure.
  fed.catch(() => {});
  yield* transform;
  await fed;
}
