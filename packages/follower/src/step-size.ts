/** Shorter steps would be all proofs and no bytes. */
const LEAST_BYTES = 64 * 1024;
/** A step's local work against what it fetches: copying is quick, but the leader must not move on meanwhile. */
const FILE_BYTES_PER_FETCHED = 16;

/** How long the steps of a run are: short enough for its link to bring one whole. */
export interface StepSize {
  /** How much the next step is to fetch, where `greatestBytes` is the most. */
  next(greatestBytes: number): number;
  /** For how much of the file, by what it fetches and what is here already, or so it is hoped. */
  readonly fileBytesPerFetched: number;
  /** A step was committed: the next one is twice as long. */
  grow(): void;
  /** The connection broke: what can have been too long is halved, and nothing is hoped for. */
  shrink(): void;
}

export function createStepSize(firstBytes: number): StepSize {
  let stepBytes = firstBytes;
  let fileBytesPerFetched = FILE_BYTES_PER_FETCHED;
  return {
    next(greatestBytes) {
      stepBytes = Math.min(stepBytes, greatestBytes);
      return stepBytes;
    },
    get fileBytesPerFetched() {
      return fileBytesPerFetched;
    },
    grow() {
      stepBytes *= 2;
      fileBytesPerFetched = Math.min(FILE_BYTES_PER_FETCHED, 2 * fileBytesPerFetched);
    },
    shrink() {
      stepBytes = Math.max(Math.min(LEAST_BYTES, firstBytes), Math.floor(stepBytes / 2));
      fileBytesPerFetched = 1;
    },
  };
}
