import type { Version } from '@holdfast/format';
import type { HeldGeneration } from '@holdfast/store';
import type { VolumeRun } from './run.js';
import { StepFrames } from './step-frames.js';

/** Fetches to `aim` and on to the end of the record that lies across it. */
export async function receiveStep(
  run: VolumeRun,
  held: HeldGeneration,
  settler: { readonly version: Version; readonly tail: number },
  aim: number,
): Promise<{ frames: StepFrames; endOffset: number }> {
  const { datSizeBytes, offsetWidthBytes } = held.position;
  const frames = new StepFrames(settler.version, datSizeBytes, offsetWidthBytes, run.env.crc32c);
  let from = datSizeBytes;
  let end = aim;
  while (end > from) {
    await receive(run, held, from, end, frames);
    from = end;
    if (frames.trouble === undefined) end = Math.min(settler.tail, frames.wantedOffset);
  }
  return { frames, endOffset: from };
}

/** Writes the leader's bytes [from, end) behind those already written, through the framer. */
export async function receive(
  run: VolumeRun,
  held: HeldGeneration,
  from: number,
  end: number,
  frames?: StepFrames,
): Promise<void> {
  const ranges = [{ offset: from, lengthBytes: end - from }];
  for await (const chunk of run.volume.readRanges(ranges, run.signal)) {
    frames?.push(chunk);
    await held.write(chunk);
  }
}
