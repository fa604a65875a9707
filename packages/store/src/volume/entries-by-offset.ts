import type { IdxEntry } from '@holdfast/format';
import { StoreError } from '../errors.js';

/** 2.4 GB of table. */
const MAX_ENTRIES = 100_000_000;

/** Index entries in the order of their records: 24 bytes an entry. Filled first, then sorted, then read front to back. */
export class EntriesByOffset {
  readonly #idHigh: Uint32Array;
  readonly #idLow: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #sizes: Int32Array;
  #count = 0;
  #order = new Uint32Array(0);
  #next = 0;

  /** Fails with `too-large` past what memory is meant for. */
  constructor(capacity: number) {
    if (capacity > MAX_ENTRIES) {
      throw new StoreError('too-large', `an index of ${capacity} entries, at most ${MAX_ENTRIES}`, {
        expected: MAX_ENTRIES,
        found: capacity,
      });
    }
    this.#idHigh = new Uint32Array(capacity);
    this.#idLow = new Uint32Array(capacity);
    this.#offsets = new Float64Array(capacity);
    this.#sizes = new Int32Array(capacity);
  }

  add(entry: IdxEntry): void {
    const at = this.#count++;
    this.#idHigh[at] = Number(entry.needleId >> 32n);
    this.#idLow[at] = Number(entry.needleId & 0xffff_ffffn);
    this.#offsets[at] = entry.offset;
    this.#sizes[at] = entry.sizeBytes;
  }

  sort(): void {
    const order = new Uint32Array(this.#count);
    let isSorted = true;
    for (let i = 0; i < order.length; i++) {
      order[i] = i;
      if (i > 0 && this.#offsets[i]! < this.#offsets[i - 1]!) isSorted = false;
    }
    if (!isSorted) order.sort((a, b) => this.#offsets[a]! - this.#offsets[b]! || a - b);
    this.#order = order;
  }

  /** The entry to be taken next; `undefined` when all are. */
  peek(): IdxEntry | undefined {
    const at = this.#order[this.#next];
    return at === undefined ? undefined : this.#entryAt(at);
  }

  /** Takes those that point before `offset`. */
  *takeBefore(offset: number): Generator<IdxEntry> {
    for (;;) {
      const at = this.#order[this.#next];
      if (at === undefined || this.#offsets[at]! >= offset) return;
      this.#next++;
      yield this.#entryAt(at);
    }
  }

  /** Takes those that point at `offset`. */
  takeAt(offset: number): IdxEntry[] {
    const entries: IdxEntry[] = [];
    for (;;) {
      const at = this.#order[this.#next];
      if (at === undefined || this.#offsets[at] !== offset) return entries;
      this.#next++;
      entries.push(this.#entryAt(at));
    }
  }

  /** Those not taken yet, without taking them. */
  *upcoming(): Generator<IdxEntry> {
    for (let next = this.#next; next < this.#order.length; next++) yield this.#entryAt(this.#order[next]!);
  }

  #entryAt(at: number): IdxEntry {
    return {
      needleId: (BigInt(this.#idHigh[at]!) << 32n) | BigInt(this.#idLow[at]!),
      offset: this.#offsets[at]!,
      sizeBytes: this.#sizes[at]!,
    };
  }
}
