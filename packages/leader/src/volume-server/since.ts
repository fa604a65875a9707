import { FormatError, NeedleFramer, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { type ByteRange, RpcError } from '@holdfast/protocol';
import type { PinnedVolume } from '../needles/stored-volume.js';
import { createStampSearch } from '../stamp-search.js';
import { streamFile } from './stream-file.js';

const WINDOW_BYTES = 1 << 20;

/** What was appended to a volume since a time. Stamps are read once for each generation of a volume. */
export interface Since {
  /**
   * The records with a greater stamp, in the order of the file, to the end of what is pinned: where they lie together
   * as they are, else picked out of all there are. Fails with `failed-precondition` in versions without stamps.
   */
  ranges(
    pinned: PinnedVolume,
    volumeId: number,
    sinceNs: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<ByteRange, void>;
  /** Their bytes, in pieces of at most `pieceBytes`. */
  bytes(
    pinned: PinnedVolume,
    volumeId: number,
    sinceNs: bigint,
    pieceBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void>;
}

export function createSince(): Since {
  const search = createStampSearch();

  async function* ranges(
    pinned: PinnedVolume,
    volumeId: number,
    sinceNs: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<ByteRange, void> {
    const { datSizeBytes, version } = pinned;
    if (datSizeBytes <= SUPER_BLOCK_SIZE_BYTES) return;
    if (version !== 3) {
      const text = `volume ${volumeId}: records of version ${version} have no time stamps: copy its files`;
      throw new RpcError('failed-precondition', text);
    }
    const { dat, idx } = pinned;
    const answer = await search({ status: pinned, dat, idx }, sinceNs, signal);
    if (answer.kind === 'found') {
      yield { offset: answer.offset, lengthBytes: datSizeBytes - answer.offset };
    } else if (answer.kind === 'not-answerable') {
      yield* newerRecords(pinned, volumeId, sinceNs, signal);
    }
  }

  return {
    ranges,
    async *bytes(pinned, volumeId, sinceNs, pieceBytes, signal) {
      for await (const { offset, lengthBytes } of ranges(pinned, volumeId, sinceNs, signal))
        yield* streamFile(pinned.dat, offset, offset + lengthBytes, pieceBytes, signal);
    },
  };
}

/** Front to back through the file, which may be long: its index does not say where what is newer lies. */
async function* newerRecords(
  { dat, datSizeBytes }: PinnedVolume,
  volumeId: number,
  sinceNs: bigint,
  signal: AbortSignal,
): AsyncGenerator<ByteRange, void> {
  // Nobody looks at the sums.
  const framer = new NeedleFramer({
    version: 3,
    startOffset: SUPER_BLOCK_SIZE_BYTES,
    collect: 'headers',
    crc32c: () => 0,
  });
  let run: ByteRange | undefined;
  try {
    const windows = streamFile(dat, SUPER_BLOCK_SIZE_BYTES, datSizeBytes, WINDOW_BYTES, signal);
    for await (const window of windows) {
      for (const { offset, lengthBytes, appendAtNs } of framer.push(window)) {
        if (appendAtNs > sinceNs) {
          run = { offset: run?.offset ?? offset, lengthBytes: (run?.lengthBytes ?? 0) + lengthBytes };
        } else if (run !== undefined) {
          yield run;
          run = undefined;
        }
      }
    }
    framer.end();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const text = `volume ${volumeId}: no record at ${framer.boundaryOffset}: ${error.message}`;
    throw new RpcError('data-loss', text, error);
  }
  if (run !== undefined) yield run;
}
