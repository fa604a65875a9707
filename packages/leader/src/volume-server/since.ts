import { FormatError, NeedleFramer, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import {
  createStampReader,
  EMPTY_ORDER_SUMMARY,
  type OrderSummary,
  openIdx,
  type RandomAccess,
  type SearchAnswer,
  searchAppendAtNs,
  summarizeOrder,
} from '@holdfast/index';
import { type ByteRange, RpcError } from '@holdfast/protocol';
import type { PinnedVolume } from '../needles/stored-volume.js';
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
  /** By the open file: a generation's summary goes with it. */
  const summaries = new WeakMap<RandomAccess, OrderSummary>();

  async function search(pinned: PinnedVolume, sinceNs: bigint, signal: AbortSignal): Promise<SearchAnswer> {
    const { dat, version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = pinned;
    const idx = await openIdx(pinned.idx, offsetWidthBytes, { sizeBytes: idxSizeBytes });
    const readStamp = createStampReader(dat, offsetWidthBytes, datSizeBytes);
    const known = summaries.get(dat) ?? EMPTY_ORDER_SUMMARY;
    // Another call may have seen more of the file than was there when this one pinned it.
    const from = known.entryCount > idx.entryCount ? EMPTY_ORDER_SUMMARY : known;
    const summary = await summarizeOrder(idx, readStamp, { summary: from, signal });
    if (summary.entryCount >= known.entryCount) summaries.set(dat, summary);
    return searchAppendAtNs({ idx, summary, sinceNs, version, readStamp, signal });
  }

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
    const answer = await search(pinned, sinceNs, signal);
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
