import type { SyncProgress } from '@holdfast/follower';
import type { Clock } from '@holdfast/format';
import { type Bar, MultiBar } from 'cli-progress';
import { formatBytes, type Output } from './output.js';

/** How far one volume is. */
type VolumeProgress = Pick<SyncProgress, 'volumeId' | 'doneBytes' | 'totalBytes' | 'bytesReceived'>;

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
export function createProgressView(options: ProgressOptions): ProgressView {
  if (options.terminal === undefined) {
    return {
      update: () => undefined,
      finish: (_volumeId, line) => options.writeLine(line),
      close: () => undefined,
    };
  }
  return createBars(options, options.terminal);
}

interface RunningVolume {
  readonly bar: Bar;
  readonly startedMs: number;
  readonly startBytes: number;
  progress: VolumeProgress;
}

function createBars({ clock, volumeCount }: ProgressOptions, stream: NodeJS.WritableStream): ProgressView {
  const bars = new MultiBar({
    stream,
    format: '{name} {bar} {percentage}%  {sizes}  {rate}  {remaining}',
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    gracefulExit: false,
  });
  const running = new Map<number, RunningVolume>();
  const startedMs = clock.monotonicMs();
  let finished = 0;
  let receivedBefore = 0;
  const total = volumeCount > 1 ? bars.create(volumeCount, 0, totalPayload(0)) : undefined;

  function totalPayload(receivedBytes: number): Record<string, string> {
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    return {
      name: 'total'.padEnd(12),
      sizes: `${finished} of ${volumeCount} volumes, ${formatBytes(receivedBytes)}`,
      rate: formatRate(receivedBytes, seconds),
      remaining: '',
    };
  }

  function updateTotal(): void {
    let received = receivedBefore;
    for (const { progress } of running.values()) received += progress.bytesReceived;
    total?.update(finished, totalPayload(received));
  }

  return {
    update(progress) {
      const known = running.get(progress.volumeId);
      const volume = known ?? {
        bar: bars.create(progress.totalBytes, progress.doneBytes, volumePayload(progress, 0, 0)),
        startedMs: clock.monotonicMs(),
        startBytes: progress.doneBytes,
        progress,
      };
      running.set(progress.volumeId, volume);
      volume.progress = progress;
      const seconds = (clock.monotonicMs() - volume.startedMs) / 1000;
      volume.bar.setTotal(progress.totalBytes);
      volume.bar.update(
        progress.doneBytes,
        volumePayload(progress, progress.doneBytes - volume.startBytes, seconds),
      );
      updateTotal();
    },
    finish(volumeId, line) {
      const volume = running.get(volumeId);
      if (volume !== undefined) {
        receivedBefore += volume.progress.bytesReceived;
        running.delete(volumeId);
        bars.remove(volume.bar);
      }
      finished += 1;
      bars.log(`${line}\n`);
      updateTotal();
    },
    close: () => bars.stop(),
  };
}

function volumePayload(
  progress: VolumeProgress,
  gainedBytes: number,
  seconds: number,
): Record<string, string> {
  const rate = seconds > 0 ? gainedBytes / seconds : 0;
  const remaining = progress.totalBytes - progress.doneBytes;
  return {
    name: `volume ${progress.volumeId}`.padEnd(12),
    sizes: `${formatBytes(progress.doneBytes)} of ${formatBytes(progress.totalBytes)}`,
    rate: formatRate(gainedBytes, seconds),
    remaining: rate > 0 ? `${Math.ceil(remaining / rate)} s left` : '',
  };
}

/** Bars go to standard error, and only where a person looks at both. */
export function progressTerminal({ isJson, sink }: Output): NodeJS.WriteStream | undefined {
  return !isJson && sink.isTerminal && process.stderr.isTTY ? process.stderr : undefined;
}

function formatRate(bytes: number, seconds: number): string {
  return seconds > 0 ? `${formatBytes(bytes / seconds)}/s` : '';
}
