import type { SyncProgress } from '@holdfast/follower';
import type { Clock } from '@holdfast/format';
import type { Output } from './output.js';

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

/** Bars on a terminal, elsewhere one line for each volume that is done. */
export async function createProgressView(options: ProgressOptions): Promise<ProgressView> {
  const { terminal, writeLine } = options;
  if (terminal === undefined) {
    return {
      update: () => undefined,
      finish: (_volumeId, line) => writeLine(line),
      close: () => undefined,
    };
  }
  // Most runs have no terminal, and bars are twenty modules.
  const { createProgressBars } = await import('./progress-bars.js');
  return createProgressBars(options, terminal);
}

/** Bars go to standard error, and only where a person looks at both. */
export function progressTerminal({ isJson, sink }: Output): NodeJS.WriteStream | undefined {
  return !isJson && sink.isTerminal && process.stderr.isTTY ? process.stderr : undefined;
}
