import type { Clock } from '@holdfast/format';
import type { ByteRange } from '@holdfast/protocol';

/** What ranges cost on the link to a leader. */
export interface LinkCost {
  /** Of one more small range among many. */
  readonly secondsPerRange: number;
  /** Of long ranges; `undefined` as long as too few bytes have come to tell. */
  readonly bytesPerSecond: number | undefined;
}

/** On average up to here a range is small: its bytes do not count beside the asking. */
const SMALL_RANGE_BYTES = 4096;
/** So many in one reading keep all places in flight taken: their pace is the link's. */
const MANY_RANGES = 64;
const LONG_RANGE_BYTES = 256 * 1024;

/** Learns what ranges cost from those that a session reads anyway. */
export class LinkMeter {
  readonly #clock: Clock;
  readonly #rangesAtOnce: number;
  #roundTripSeconds: number | undefined;
  #secondsPerRange: number | undefined;
  #bytesPerSecond: number | undefined;

  /** `rangesAtOnce`: how many small ranges one round trip brings. */
  constructor(clock: Clock, rangesAtOnce: number) {
    this.#clock = clock;
    this.#rangesAtOnce = rangesAtOnce;
  }

  /** Reads the ranges by `read` and takes the time. */
  async time<T>(ranges: readonly ByteRange[], read: () => Promise<T>): Promise<T> {
    const startedAtMs = this.#clock.monotonicMs();
    const result = await read();
    this.#note(ranges, (this.#clock.monotonicMs() - startedAtMs) / 1000);
    return result;
  }

  get cost(): LinkCost {
    const first = (this.#roundTripSeconds ?? 0) / this.#rangesAtOnce;
    return { secondsPerRange: this.#secondsPerRange ?? first, bytesPerSecond: this.#bytesPerSecond };
  }

  #note(ranges: readonly ByteRange[], seconds: number): void {
    const lengthBytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
    const averageBytes = lengthBytes / Math.max(1, ranges.length);
    if (averageBytes >= LONG_RANGE_BYTES) {
      if (seconds > 0) this.#bytesPerSecond = blend(this.#bytesPerSecond, lengthBytes / seconds);
    } else if (averageBytes <= SMALL_RANGE_BYTES) {
      if (ranges.length >= MANY_RANGES)
        this.#secondsPerRange = blend(this.#secondsPerRange, seconds / ranges.length);
      // The quickest one: what a first call waits for besides is not the link's.
      else this.#roundTripSeconds = Math.min(this.#roundTripSeconds ?? seconds, seconds);
    }
  }
}

function blend(former: number | undefined, latest: number): number {
  return former === undefined ? latest : (former + latest) / 2;
}
