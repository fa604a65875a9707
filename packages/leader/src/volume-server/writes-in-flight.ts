/** Writes that run beside each other, begun in order. The first failure ends it. */
export interface WritesInFlight {
  /** Waits for room. Fails with what one of those before has failed with. */
  add(lengthBytes: number, write: () => Promise<unknown>): Promise<void>;
  /** When none runs any more. Errors as `add`. */
  settled(): Promise<void>;
}

export function createWritesInFlight(limits: {
  readonly writes: number;
  readonly bytes: number;
}): WritesInFlight {
  let running: Promise<void>[] = [];
  let runningBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  async function settled(): Promise<void> {
    await Promise.all(running);
    running = [];
    runningBytes = 0;
    if (failure !== undefined) throw failure.error;
  }

  return {
    settled,
    async add(lengthBytes, write) {
      if (running.length >= limits.writes || runningBytes + lengthBytes > limits.bytes) await settled();
      if (failure !== undefined) throw failure.error;
      runningBytes += lengthBytes;
      running.push(
        write().then(
          () => undefined,
          (error: unknown) => {
            failure ??= { error };
          },
        ),
      );
    },
  };
}
