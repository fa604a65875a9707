import type { GenerationReader, HistoryLine, StateLengths } from '@holdfast/store';

const NS_PER_MS = 1_000_000n;

/** A state that a volume had: one that was committed, or one between two commits that goes up to a record. */
export interface VolumeState extends StateLengths {
  readonly generation: number;
  readonly revision: number;
  /** Wall time of the last commit that is wholly in it. */
  readonly committedAtMs: number;
  readonly isBetweenCommits: boolean;
  /** Of its last record, by the leader's clock, in decimal nanoseconds; `"0"` where no record has a stamp. */
  readonly lastAppendAtNs: string;
}

/** The instant that a state is of: of a commit its time, between two commits the stamp of the last record. */
export function instantOf({ isBetweenCommits, lastAppendAtNs, committedAtMs }: VolumeState): bigint {
  return isBetweenCommits ? BigInt(lastAppendAtNs) : atNs(committedAtMs);
}

/** The state that a line of history is of. */
export function stateOf(reader: GenerationReader, line: HistoryLine): VolumeState {
  const { atMs: committedAtMs, datSizeBytes, idxSizeBytes, indexSerial, lastAppendAtNs } = line;
  const { revision } = reader.position;
  const generation = reader.id;
  const lengths = { datSizeBytes, idxSizeBytes, indexSerial };
  return { generation, revision, committedAtMs, isBetweenCommits: false, lastAppendAtNs, ...lengths };
}

/** Wall time as the unit of stamps. */
export function atNs(atMs: number): bigint {
  return BigInt(atMs) * NS_PER_MS;
}
