import { LeaderError, type LeaderStatus, type PinnedCopy } from '@holdfast/protocol';
import { linkAbort } from './linked-abort.js';

/** What a pair of streams needs of the volume that it copies. */
export interface PinnedPairSource {
  copy(
    file: { readonly ext: '.dat' | '.idx'; readonly stopOffset: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void>;
  status(signal: AbortSignal): Promise<LeaderStatus>;
  pastEnd(ext: string, endOffset: number): LeaderError;
}

/** A stock server rounds the tail up to a multiple of 8 when it loads a volume (format.md §7.6). */
const MAX_MISSING_DAT_BYTES = 7;

/**
 * Both files by two streams opened together: from their first messages on the server's open files pin them, however
 * many vacuums follow. Whether what they pinned is the status' generation is asked once both have begun, since the
 * server checks a revision without its lock; content settles it finally, and that is the follower's fence.
 */
export async function openPinnedPair(
  source: PinnedPairSource,
  pinned: LeaderStatus,
  signal: AbortSignal,
): Promise<PinnedCopy> {
  const abort = linkAbort(signal);
  try {
    const [dat, idx] = await Promise.all([
      begin(source, '.dat', pinned.datSizeBytes, MAX_MISSING_DAT_BYTES, abort.signal),
      begin(source, '.idx', pinned.idxSizeBytes, 0, abort.signal),
    ]);
    const { revision } = await source.status(abort.signal);
    if (revision !== pinned.revision) {
      throw new LeaderError(
        'revision-changed',
        `revision ${revision} where ${pinned.revision} was to be copied`,
      );
    }
    return {
      dat,
      idx,
      async close() {
        abort.end();
      },
    };
  } catch (error) {
    abort.end();
    throw error;
  }
}

async function begin(
  source: PinnedPairSource,
  ext: '.dat' | '.idx',
  sizeBytes: number,
  mayMissBytes: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const contents = source.copy({ ext, stopOffset: sizeBytes }, signal);
  const first = await contents.next();
  const rest = async function* (): AsyncGenerator<Uint8Array, void> {
    let receivedBytes = 0;
    for (let item = first; !item.done; item = await contents.next()) {
      receivedBytes += item.value.length;
      if (item.value.length > 0) yield item.value;
    }
    if (receivedBytes < sizeBytes - mayMissBytes) throw source.pastEnd(ext, receivedBytes);
  };
  return rest();
}
