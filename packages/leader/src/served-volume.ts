import { walkIdx } from '@holdfast/index';
import type { ServedGeneration, ServedVolume } from '@holdfast/protocol';
import type { ChangeSignal } from './change-signal.js';
import { assertGeneration, followStream } from './follow-stream.js';
import { pastEnd, readChunks } from './read-chunks.js';
import { readRanges } from './read-ranges.js';
import type { Snapshot, VolumeState } from './volume-state.js';

/** One volume as the service of `holdfast.v1` asks for it. */
export function createServedVolume(state: VolumeState, changes: ChangeSignal): ServedVolume {
  async function withSnapshot<T>(
    signal: AbortSignal,
    use: (snapshot: Snapshot) => T | Promise<T>,
  ): Promise<T> {
    const snapshot = await state.snapshot(signal);
    try {
      return await use(snapshot);
    } finally {
      await snapshot.close();
    }
  }

  /** A snapshot of exactly that generation. */
  async function snapshotOf(generation: ServedGeneration, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = await state.snapshot(signal);
    try {
      assertGeneration(state, snapshot, generation);
      return snapshot;
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  return {
    status: (signal) => withSnapshot(signal, ({ status }) => status),

    async *readRanges(generation, ranges, signal) {
      const snapshot = await snapshotOf(generation, signal);
      try {
        for (const { offset, lengthBytes } of ranges) {
          const end = offset + lengthBytes;
          if (end > snapshot.status.datSizeBytes) throw pastEnd(state.name, end);
        }
        yield* readRanges(snapshot.dat, state.name, ranges, signal);
      } finally {
        await snapshot.close();
      }
    },

    async *readIndex(generation, startOffset, endOffset, signal) {
      const snapshot = await snapshotOf(generation, signal);
      try {
        if (endOffset > snapshot.status.idxSizeBytes) throw pastEnd(state.name, endOffset);
        yield* readChunks(snapshot.idx, state.name, startOffset, endOffset, signal);
      } finally {
        await snapshot.close();
      }
    },

    async pin(generation, { datSizeBytes, idxSizeBytes }, signal) {
      const snapshot = await snapshotOf(generation, signal);
      const { status, dat, idx } = snapshot;
      if (datSizeBytes > status.datSizeBytes || idxSizeBytes > status.idxSizeBytes) {
        await snapshot.close();
        throw pastEnd(state.name, datSizeBytes);
      }
      return {
        dat: (reading) => readChunks(dat, state.name, 0, datSizeBytes, reading),
        idx: (reading) => readChunks(idx, state.name, 0, idxSizeBytes, reading),
        close: () => snapshot.close(),
      };
    },

    follow: (start, staysOpen, signal) => followStream({ state, changes, start, staysOpen, signal }),

    isNeedleLive: (needleId, signal) =>
      withSnapshot(signal, (snapshot) => isLiveIn(snapshot, needleId, signal)),
  };
}

/** The last entry of a needle id says whether it is live. */
async function isLiveIn({ idx, status }: Snapshot, needleId: bigint, signal: AbortSignal): Promise<boolean> {
  const { offsetWidthBytes, idxSizeBytes } = status;
  const bounded = {
    sizeBytes: async () => idxSizeBytes,
    readAt: (offset: number, lengthBytes: number) => idx.readAt(offset, lengthBytes),
  };
  let isLive = false;
  for await (const entries of walkIdx(bounded, offsetWidthBytes, { signal })) {
    for (let i = 0; i < entries.count; i++) {
      if (entries.needleIdAt(i) === needleId)
        isLive = entries.offsetAt(i) !== 0 && entries.sizeBytesAt(i) >= 0;
    }
  }
  return isLive;
}
