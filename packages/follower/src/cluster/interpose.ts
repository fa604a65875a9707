import type { LeaderClient, LeaderVolume } from '@holdfast/protocol';

/** What stands between a follower and everything that it asks of a leader. */
export interface Interposition {
  /** Around each call that has one answer. */
  answer<T>(call: () => Promise<T>): Promise<T>;
  /** Around each stream; `sizeBytes` tells the payload of one of its items. */
  stream<T>(items: AsyncIterable<T>, sizeBytes: (item: T) => number, signal: AbortSignal): AsyncIterable<T>;
}

/** The leader with `by` around every call of its sessions. Sweeps are left alone: they are of no volume. */
export function interpose(leader: LeaderClient, by: Interposition): LeaderClient {
  return {
    address: leader.address,
    sweep: (signal) => leader.sweep(signal),
    async openSession(signal) {
      const session = await by.answer(() => leader.openSession(signal));
      return {
        serverId: session.serverId,
        volume: (volumeId, collection) => interposeVolume(session.volume(volumeId, collection), by),
        close: () => session.close(),
      };
    },
  };
}

const lengthOf = (chunk: Uint8Array): number => chunk.length;

/** `bytesReceived` counts from here on, whatever the volume has received before. */
export function interposeVolume(volume: LeaderVolume, by: Interposition): LeaderVolume {
  const receivedBefore = volume.bytesReceived;
  const { follow } = volume;
  return {
    volumeId: volume.volumeId,
    rangesAtOnce: volume.rangesAtOnce,
    get bytesReceived() {
      return volume.bytesReceived - receivedBefore;
    },
    status: (signal) => by.answer(() => volume.status(signal)),
    compactionOpen: (signal) => by.answer(() => volume.compactionOpen(signal)),
    readRanges: (ranges, signal) => by.stream(volume.readRanges(ranges, signal), lengthOf, signal),
    readIndex: (start, end, signal) => by.stream(volume.readIndex(start, end, signal), lengthOf, signal),
    async openPinnedCopy(status, signal) {
      const copy = await by.answer(() => volume.openPinnedCopy(status, signal));
      return {
        dat: by.stream(copy.dat, lengthOf, signal),
        idx: by.stream(copy.idx, lengthOf, signal),
        close: () => copy.close(),
      };
    },
    isNeedleLive: (needleId, signal) => by.answer(() => volume.isNeedleLive(needleId, signal)),
    ...(follow && {
      follow: (position, signal) =>
        by.stream(
          follow.call(volume, position, signal),
          (event) => (event.kind === 'bytes' ? event.bytes.length : 0),
          signal,
        ),
    }),
  };
}
