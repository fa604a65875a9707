import { type Bar, MultiBar } from 'cli-progress';
import { formatBytes } from './output.js';
import type { ProgressOptions, ProgressView, VolumeProgress } from './progress-view.js';

interface RunningVolume {
  readonly bar: Bar;
  readonly startedMs: number;
  readonly startBytes: number;
  progress: VolumeProgress;
}

/** One bar for each volume that is under way, and a total. */
export function createProgressBars(
  { clock, volumeCount }: ProgressOptions,
  stream: NodeJS.WritableStream,
): ProgressView {
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

function formatRate(bytes: number, seconds: number): string {
  return seconds > 0 ? `${formatBytes(bytes / seconds)}/s` : '';
}
