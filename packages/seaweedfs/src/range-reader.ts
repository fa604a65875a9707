import { type ByteRange, LeaderError, type LeaderErrorDetail, volumeServerPb } from '@holdfast/protocol';
import { type BlobWindow, blobWindow } from './blob-window.js';
import { linkAbort } from './linked-abort.js';
import { cutRanges, type RangePace } from './range-pieces.js';
import type { Semaphore } from './semaphore.js';
import type { StockCaller } from './stock-caller.js';

/** What reading ranges of one volume needs of the volume around it. */
export interface RangeSource {
  readonly volumeId: number;
  readonly caller: StockCaller;
  readonly pace: RangePace;
  readonly inFlightPerVolume: number;
  readonly volumePlaces: Semaphore;
  readonly serverPlaces: Semaphore;
  readonly detail: LeaderErrorDetail;
  /** The version that the server runs the volume as: it decides how long an answer is. */
  runtimeVersion(signal: AbortSignal): Promise<1 | 2 | 3>;
  /** An answer had another length than the version gives: the version is to be asked for again. */
  forgetVersion(): void;
  /** The first bytes of the `.dat`, where no window fits. */
  readFront(endOffset: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Rejects with `compaction-open` as soon as a compaction is seen, else only when aborted. */
  watchCompaction(signal: AbortSignal): Promise<never>;
  /** Rejects with `compaction-open`; a look that is fresh enough counts. */
  requireNoCompaction(signal: AbortSignal): Promise<void>;
  onBytes(lengthBytes: number): void;
}

/** The bytes of the ranges in order, a bounded number of calls ahead of the reader. */
export async function* readBlobRanges(
  source: RangeSource,
  ranges: readonly ByteRange[],
  callerSignal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const abort = linkAbort(callerSignal);
  const { signal } = abort;
  const ahead: Promise<Uint8Array>[] = [];
  try {
    await source.requireNoCompaction(signal);
    const version = await source.runtimeVersion(signal);
    source.watchCompaction(signal).catch((error: unknown) => abort.abort(error));
    const pieces = cutRanges(ranges, source.pace.pieceBytes);
    const sendAhead = (): void => {
      while (ahead.length < source.inFlightPerVolume) {
        const piece = pieces.next();
        if (piece.done) return;
        const answer = readPiece(source, version, piece.value, signal);
        // One that fails behind another is reported when its turn comes, or not at all.
        answer.catch(() => undefined);
        ahead.push(answer);
      }
    };
    sendAhead();
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      const bytes = await next;
      sendAhead();
      yield bytes;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    abort.end();
  }
}

async function readPiece(
  source: RangeSource,
  version: 1 | 2 | 3,
  piece: ByteRange,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const window = blobWindow(version, piece);
  if (!window) {
    const front = await source.readFront(piece.offset + piece.lengthBytes, signal);
    return front.subarray(piece.offset);
  }
  const leaveVolume = await source.volumePlaces.acquire(signal);
  try {
    const leaveServer = await source.serverPlaces.acquire(signal);
    try {
      const blob = await source.pace.measure(window.lengthBytes, () => readBlob(source, window, signal));
      return blob.subarray(window.skipBytes, window.skipBytes + piece.lengthBytes);
    } finally {
      leaveServer();
    }
  } finally {
    leaveVolume();
  }
}

async function readBlob(source: RangeSource, window: BlobWindow, signal: AbortSignal): Promise<Uint8Array> {
  const { volumeId, caller } = source;
  const detail = { ...source.detail, offset: window.offset };
  const { needleBlob } = await caller.unary(
    volumeServerPb.VolumeServer.method.readNeedleBlob,
    { volumeId, offset: BigInt(window.offset), size: window.sizeField },
    { signal, detail },
  );
  source.onBytes(needleBlob.length);
  if (needleBlob.length !== window.lengthBytes) {
    source.forgetVersion();
    const text = `volume ${volumeId}: ${needleBlob.length} bytes where ${window.lengthBytes} were asked for`;
    throw new LeaderError('bad-answer', text, detail);
  }
  return needleBlob;
}
