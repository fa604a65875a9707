/**
 * Reads on while its reader is busy, up to `greatestBytes`, and gives what has come since as one batch: whoever pays for
 * each batch and not for each item keeps up with a quick source. A failure comes after what came before it. Whoever leaves
 * it ends the source himself: it may be waiting for an item that never comes.
 */
export async function* readAhead<T>(
  source: AsyncIterable<T>,
  sizeOf: (item: T) => number,
  greatestBytes: number,
): AsyncGenerator<readonly T[], void, undefined> {
  let waiting: T[] = [];
  let waitingBytes = 0;
  let isLeft = false;
  let end: { readonly error?: unknown } | undefined;
  let wakeReader = (): void => {};
  let wakeSource = (): void => {};

  async function pump(): Promise<void> {
    try {
      for await (const item of source) {
        if (isLeft) return;
        waiting.push(item);
        waitingBytes += sizeOf(item);
        wakeReader();
        while (waitingBytes >= greatestBytes && !isLeft)
          await new Promise<void>((resolve) => {
            wakeSource = resolve;
          });
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    wakeReader();
  }

  void pump();
  try {
    for (;;) {
      if (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        waitingBytes = 0;
        wakeSource();
        yield batch;
      } else if (end === undefined) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      } else {
        if ('error' in end) throw end.error;
        return;
      }
    }
  } finally {
    isLeft = true;
    wakeSource();
  }
}
