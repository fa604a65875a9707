import { type Clock, RECORD_ALIGNMENT_BYTES, type Timers } from '@holdfast/format';
import {
  LeaderError,
  type LeaderErrorDetail,
  type LeaderStatus,
  type LeaderVolume,
  volumeServerPb,
} from '@holdfast/protocol';
import { type CopyFileForm, type CopyFileOptions, copyFile } from './copy-file.js';
import type { SeaweedLimits } from './limits.js';
import { openPinnedPair } from './pinned-pair.js';
import { createRangePace } from './range-pieces.js';
import { type RangeSource, readBlobRanges } from './range-reader.js';
import { createSemaphore, type Semaphore } from './semaphore.js';
import type { StockCaller } from './stock-caller.js';
import { readStockStatus } from './stock-status.js';
import { isNeedleNotLive } from './translate-error.js';

export interface StockVolumeOptions {
  readonly volumeId: number;
  readonly collection: string;
  readonly address: string;
  readonly caller: StockCaller;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly limits: SeaweedLimits;
  /** Shared by all sessions to the server. */
  readonly serverPlaces: Semaphore;
  /** When a volume's files were last copied in the form that takes its write lock. Shared like the places. */
  readonly lastPlainCopyMs: Map<number, number>;
}

/** One volume of a stock server over one session (docs/follow-protocol.md). */
export function createStockVolume(options: StockVolumeOptions): LeaderVolume {
  const { volumeId, collection, address, caller, timers, clock, limits, lastPlainCopyMs } = options;
  const detail: LeaderErrorDetail = { address, volumeId };
  const byName: CopyFileForm = { kind: 'by-name', collection };
  let bytesReceived = 0;
  let version: 1 | 2 | 3 | undefined;
  let seenClosedAtMs = Number.NEGATIVE_INFINITY;

  const onBytes = (lengthBytes: number): void => {
    bytesReceived += lengthBytes;
  };

  const copy = (file: Omit<CopyFileOptions, 'volumeId' | 'onBytes'>, signal: AbortSignal) =>
    copyFile(caller, { ...file, volumeId, onBytes }, { signal, detail });

  const status = async (signal: AbortSignal): Promise<LeaderStatus> => {
    const read = await readStockStatus(caller, { volumeId, collection }, limits, { signal, detail });
    version = read.version;
    return read;
  };

  const compactionOpen = async (signal: AbortSignal): Promise<boolean> => {
    const askedAtMs = clock.monotonicMs();
    try {
      for await (const _ of copy({ ext: '.cpd', form: byName, stopOffset: 1 }, signal)) {
        // What it holds does not matter.
      }
    } catch (error) {
      if (!(error instanceof LeaderError && error.code === 'volume-not-found')) throw error;
      seenClosedAtMs = askedAtMs;
      return false;
    }
    // Only the server's word that there is no such file counts: a stream that was cut short is empty too.
    return true;
  };

  const probeCompaction = async (signal: AbortSignal): Promise<void> => {
    if (await compactionOpen(signal)) {
      throw new LeaderError('compaction-open', `volume ${volumeId}: a compaction is open`, detail);
    }
  };

  const rangeSource: RangeSource = {
    volumeId,
    caller,
    detail,
    onBytes,
    pace: createRangePace(limits, clock),
    inFlightPerVolume: limits.rangesInFlightPerVolume,
    volumePlaces: createSemaphore(limits.rangesInFlightPerVolume),
    serverPlaces: options.serverPlaces,
    runtimeVersion: async (signal) => version ?? (await status(signal)).version,
    forgetVersion() {
      version = undefined;
    },
    async readFront(endOffset, signal) {
      const front = new Uint8Array(endOffset);
      let receivedBytes = 0;
      for await (const content of copy({ ext: '.dat', form: byName, stopOffset: endOffset }, signal)) {
        front.set(content, receivedBytes);
        receivedBytes += content.length;
      }
      if (receivedBytes <= endOffset - RECORD_ALIGNMENT_BYTES) throw cutShort(receivedBytes);
      if (receivedBytes < endOffset) throw pastEnd('.dat', receivedBytes);
      return front;
    },
    async requireNoCompaction(signal) {
      if (clock.monotonicMs() - seenClosedAtMs >= limits.compactionProbeMs) await probeCompaction(signal);
    },
    async watchCompaction(signal) {
      for (;;) {
        await timers.sleep(limits.compactionProbeMs, signal);
        await probeCompaction(signal);
      }
    },
  };

  /** No rounding of a size explains it: nothing is known of where the file ends. */
  const cutShort = (receivedBytes: number): LeaderError =>
    new LeaderError(
      'bad-answer',
      `volume ${volumeId}: the first bytes of .dat were cut short at ${receivedBytes}`,
      detail,
    );

  const pastEnd = (ext: string, endOffset: number): LeaderError =>
    new LeaderError('past-end', `volume ${volumeId}: ${ext} ends at ${endOffset}`, {
      ...detail,
      offset: endOffset,
    });

  return {
    volumeId,
    get bytesReceived() {
      return bytesReceived;
    },
    rangesAtOnce: limits.rangesInFlightPerVolume,
    status,
    compactionOpen,
    readRanges: (ranges, signal) => readBlobRanges(rangeSource, ranges, signal),

    async *readIndex(startOffset, endOffset, signal) {
      if (startOffset >= endOffset) return;
      let offset = 0;
      for await (const content of copy({ ext: '.idx', form: byName, stopOffset: endOffset }, signal)) {
        const wanted = content.subarray(Math.max(0, startOffset - offset));
        offset += content.length;
        if (wanted.length > 0) yield wanted;
      }
      if (offset < endOffset) throw pastEnd('.idx', offset);
    },

    async openPinnedCopy(pinned, signal) {
      const nowMs = clock.monotonicMs();
      const isPlain =
        nowMs - (lastPlainCopyMs.get(volumeId) ?? Number.NEGATIVE_INFINITY) >= limits.plainCopyMs;
      if (isPlain) lastPlainCopyMs.set(volumeId, nowMs);
      const form: CopyFileForm = isPlain ? { kind: 'plain', collection, revision: pinned.revision } : byName;
      return openPinnedPair(
        { copy: (file, pairSignal) => copy({ ...file, form }, pairSignal), status, pastEnd },
        pinned,
        signal,
      );
    },

    async isNeedleLive(needleId, signal) {
      const { volumeNeedleStatus } = volumeServerPb.VolumeServer.method;
      try {
        await caller.unary(
          volumeNeedleStatus,
          { volumeId, needleId },
          { signal, detail, isExpected: isNeedleNotLive },
        );
        return true;
      } catch (error) {
        if (isNeedleNotLive(error)) return false;
        throw error;
      }
    },
  };
}
