import type { Clock, Timers } from '@holdfast/format';
import type { LeaderClient, LeaderSession, LeaderVolume, PinnedCopy } from '@holdfast/protocol';

/** Lets bytes pass at a mean rate. One for all volumes of a run. */
export interface RateLimit {
  /** Resolves when `bytes` more may be taken. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** At most `bytesPerSecond` on average; up to a second's worth is saved up while nothing is asked for. */
export function createRateLimit(bytesPerSecond: number, clock: Clock, timers: Timers): RateLimit {
  let readyAtMs = clock.monotonicMs();
  return {
    async take(bytes, signal) {
      const nowMs = clock.monotonicMs();
      readyAtMs = Math.max(readyAtMs, nowMs - 1000) + (bytes / bytesPerSecond) * 1000;
      if (readyAtMs > nowMs) await timers.sleep(readyAtMs - nowMs, signal);
    },
  };
}

/** The leader with every stream of bytes from it held to the limit: a reader that waits stops the sender. */
export function limitRate(leader: LeaderClient, limit: RateLimit): LeaderClient {
  return {
    address: leader.address,
    sweep: (signal) => leader.sweep(signal),
    async openSession(signal): Promise<LeaderSession> {
      const session = await leader.openSession(signal);
      return {
        serverId: session.serverId,
        volume: (volumeId, collection) => limitVolume(session.volume(volumeId, collection), limit),
        close: () => session.close(),
      };
    },
  };
}

function limitVolume(volume: LeaderVolume, limit: RateLimit): LeaderVolume {
  return {
    volumeId: volume.volumeId,
    get bytesReceived() {
      return volume.bytesReceived;
    },
    status: (signal) => volume.status(signal),
    compactionOpen: (signal) => volume.compactionOpen(signal),
    readRanges: (ranges, signal) => limited(volume.readRanges(ranges, signal), limit, signal),
    readIndex: (start, end, signal) => limited(volume.readIndex(start, end, signal), limit, signal),
    async openPinnedCopy(status, signal): Promise<PinnedCopy> {
      const copy = await volume.openPinnedCopy(status, signal);
      return {
        dat: limited(copy.dat, limit, signal),
        idx: limited(copy.idx, limit, signal),
        close: () => copy.close(),
      };
    },
    isNeedleLive: (needleId, signal) => volume.isNeedleLive(needleId, signal),
  };
}

async function* limited(
  chunks: AsyncIterable<Uint8Array>,
  limit: RateLimit,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    await limit.take(chunk.length, signal);
    yield chunk;
  }
}
