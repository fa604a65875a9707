/** A message of progress for so much, as the real server sends them. */
export const PROGRESS_BYTES = 128 << 20;

/** Steps of work that is reported from elsewhere, as a stream: only the last one waits for a slow reader. */
export interface Progress {
  readonly report: (doneBytes: number) => void;
  /** What was reported at each step of `stepBytes`, until the work has ended; fails as the work does. */
  until(work: Promise<unknown>): AsyncGenerator<number, void>;
}

export function createProgress(stepBytes: number): Progress {
  let toldBytes = 0;
  let doneBytes = 0;
  let wake: () => void = () => {};
  return {
    report(bytes) {
      doneBytes = bytes;
      if (doneBytes - toldBytes >= stepBytes) wake();
    },
    async *until(work) {
      let isOver = false;
      const over = () => {
        isOver = true;
        wake();
      };
      work.then(over, over);
      while (!isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (isOver || doneBytes - toldBytes >= stepBytes) resolve();
        });
        if (doneBytes - toldBytes < stepBytes) continue;
        toldBytes = doneBytes;
        yield toldBytes;
      }
      await work;
    },
  };
}
