import { formatInstant, formatVolumeName } from '@holdfast/format';
import type { GenerationReader, HistoryLine, StoreEnvironment } from '@holdfast/store';
import { FollowError } from '../errors.js';
import { type KeptVolume, newestFirst } from './generations.js';
import { refineState } from './refine-state.js';
import { describeRanges, endOf, listRestorable } from './restorable.js';
import { atNs, stateOf, type VolumeState } from './volume-state.js';

/**
 * Finds the newest state at or before `asOfNs` (`undefined`: the newest of all) and gives it to `use`, its generation
 * open. Takes no lock. Error `not-covered` with what is covered, where no commit covers the instant.
 */
export async function withStateAt<T>(
  env: StoreEnvironment,
  volume: KeptVolume,
  asOfNs: bigint | undefined,
  signal: AbortSignal,
  use: (state: VolumeState, reader: GenerationReader) => Promise<T>,
): Promise<T> {
  for await (const { kept, reader } of newestFirst(env, volume)) {
    const found = await newestBefore(reader, asOfNs, signal);
    if (found === undefined) continue;
    // Between its end and the beginning of the next one that is kept, others were the volume's state.
    if (asOfNs !== undefined && !kept.isCurrent && asOfNs >= atNs(endOf(kept, found.lastAtMs))) break;
    const committed = stateOf(reader, found.line);
    const refined =
      asOfNs === undefined
        ? committed
        : await refineState(env, reader, committed, found.following, asOfNs, signal);
    return await use(refined, reader);
  }
  throw await notCovered(env, volume, asOfNs, signal);
}

interface FoundLine {
  readonly line: HistoryLine;
  /** The commits of the generation behind it. */
  readonly following: readonly HistoryLine[];
  readonly lastAtMs: number;
}

/** The last line whose time is not behind the instant: wall clocks step back, and the order of the lines is the truth. */
async function newestBefore(
  reader: GenerationReader,
  asOfNs: bigint | undefined,
  signal: AbortSignal,
): Promise<FoundLine | undefined> {
  let line: HistoryLine | undefined;
  let following: HistoryLine[] = [];
  let lastAtMs = 0;
  for await (const next of reader.history(signal)) {
    lastAtMs = next.atMs;
    if (asOfNs === undefined || atNs(next.atMs) <= asOfNs) {
      line = next;
      following = [];
    } else if (line !== undefined) following.push(next);
  }
  return line === undefined ? undefined : { line, following, lastAtMs };
}

async function notCovered(
  env: StoreEnvironment,
  volume: KeptVolume,
  asOfNs: bigint | undefined,
  signal: AbortSignal,
): Promise<FollowError> {
  const covered = await listRestorable(env, volume, signal);
  const name = formatVolumeName(volume.volume);
  const wanted = asOfNs === undefined ? 'anything' : formatInstant(asOfNs);
  const message = `volume ${name}: no commit covers ${wanted}; covered is ${describeRanges(covered)}`;
  return new FollowError('not-covered', message, { volumeId: volume.volume.volumeId, covered });
}
