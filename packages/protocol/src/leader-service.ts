import type { ByteRange, FollowPosition, LeaderStatus, SweepEntry } from './leader-client.js';

/** The history that a call is about: the leader answers for this one alone, else with `revision-changed`. */
export interface ServedGeneration {
  readonly revision: number;
  readonly lineageId: string;
}

/** A status of a leader that keeps lineages. */
export interface ServedStatus extends LeaderStatus {
  readonly lineageId: string;
}

/** Where a follow begins: after a time, or at a position that the leader proves first. */
export type FollowStart = { readonly sinceNs: bigint } | { readonly position: FollowPosition };

/** What a leader says on a follow stream. Checksums, heartbeats and the trailer are added by `createFollowService`. */
export type ServedFollowEvent =
  /** First, and once: where the first bytes begin. */
  | ({ readonly kind: 'start'; readonly datOffset: number; readonly idxOffset: number } & ServedGeneration)
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Everything so far is durable and ends at a record boundary. */
  | ({
      readonly kind: 'durable';
      readonly datSizeBytes: number;
      readonly idxSizeBytes: number;
      readonly idxEntries: Uint8Array;
    } & ServedGeneration);

/** The open files of one generation, whatever compactions follow. */
export interface ServedPin {
  dat(signal: AbortSignal): AsyncIterable<Uint8Array>;
  idx(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** One volume of a leader. Every failure is a `LeaderError`. */
export interface ServedVolume {
  status(signal: AbortSignal): Promise<ServedStatus>;
  /** Exactly the bytes asked for, or `past-end`. */
  readRanges(
    generation: ServedGeneration,
    ranges: readonly ByteRange[],
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** Exactly the `.idx` bytes [startOffset, endOffset), or `past-end`. */
  readIndex(
    generation: ServedGeneration,
    startOffset: number,
    endOffset: number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** Both files, cut at these sizes. */
  pin(
    generation: ServedGeneration,
    sizes: { readonly datSizeBytes: number; readonly idxSizeBytes: number },
    signal: AbortSignal,
  ): Promise<ServedPin>;
  /**
   * From the start to the tail; with `stayOpen` every further record as it becomes durable, until the signal
   * aborts. Fails with `position-refused`, or with `refused` where `sinceNs` has no sound answer.
   */
  follow(start: FollowStart, stayOpen: boolean, signal: AbortSignal): AsyncIterable<ServedFollowEvent>;
  isNeedleLive(needleId: bigint, signal: AbortSignal): Promise<boolean>;
}

/** What a leader implements to be followed over `holdfast.v1`. */
export interface LeaderService {
  /** Stays the same over restarts. May be empty. */
  readonly serverId: string;
  sweep(signal: AbortSignal): Promise<readonly SweepEntry[]>;
  /** Fails with `volume-not-found`. */
  volume(volumeId: number, collection: string): Promise<ServedVolume>;
}
