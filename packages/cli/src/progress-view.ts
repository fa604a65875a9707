import type { SyncProgress } from '@holdfast/follower';
import type { Clock } from '@holdfast/format';

/** How far one volume is. */
export type VolumeProgress = Pick<SyncProgress, 'volumeId' | 'doneBytes' | 'totalBytes' | 'bytesReceived'>;

/** Shows how far the volumes are. */
export interface ProgressView {
  update(progress: VolumeProgress): void;
  /** The volume is done: its bar goes, its line comes. */
  finish(volumeId: number, line: string): void;
  /** Idempotent. */
  close(): void;
}

export interface ProgressOptions {
  readonly clock: Clock;
  /** A terminal for bars; absent: plain lines only. */
  readonly terminal: NodeJS.WritableStream | undefined;
  /** One line at a time, for where there are no bars. */
  readonly writeLine: (line: string) => void;
  /** How many volumes this run is about: from two on there is a total. */
  readonly volumeCount: number;
}
