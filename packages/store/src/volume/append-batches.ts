/** Below what a disk file writes past the page cache: what was just appended is often read soon. */
const MAX_BATCH_BYTES = 192 << 10;

/** Something to append that waits for its turn. */
export interface BatchedAppend {
  readonly needleId: bigint;
  /** About how long its record will be. */
  readonly lengthBytes: number;
}

/** Appends one after the other, those that wait together at once: thousands of writers cost a few writes. */
export interface AppendBatches<T extends BatchedAppend> {
  add(append: T): void;
  /** When nothing waits any more. */
  idle(): Promise<void>;
}

/**
 * `run` gets batches of at most 192 KiB, or of one append, in the order of the calls and never two at a time. A batch
 * has no needle twice, so each append finds what the ones before it have done. `run` settles its appends itself.
 */
export function createAppendBatches<T extends BatchedAppend>(
  run: (batch: readonly T[]) => Promise<void>,
): AppendBatches<T> {
  let waiting: T[] = [];
  let running: Promise<void> | undefined;

  function takeBatch(): readonly T[] {
    const needleIds = new Set<bigint>();
    let lengthBytes = 0;
    let count = 0;
    for (const append of waiting) {
      lengthBytes += append.lengthBytes;
      if (needleIds.has(append.needleId) || (count > 0 && lengthBytes > MAX_BATCH_BYTES)) break;
      needleIds.add(append.needleId);
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  async function runAll(): Promise<void> {
    // What is asked for in this very turn of the event loop joins the first batch.
    await Promise.resolve();
    while (waiting.length > 0) await run(takeBatch());
    running = undefined;
  }

  return {
    add(append) {
      waiting.push(append);
      running ??= runAll();
    },
    async idle() {
      while (running !== undefined) await running;
    },
  };
}
