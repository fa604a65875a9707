/** Lets many writers in at once, or one that wants nobody beside it. */
export interface WriteGate {
  /** Runs beside others; waits while somebody is alone. */
  shared<T>(action: () => Promise<T>): Promise<T>;
  /** Runs alone: waits for those inside, and keeps new ones waiting. One after the other. */
  alone<T>(action: () => Promise<T>): Promise<T>;
}

export function createWriteGate(): WriteGate {
  let inside = 0;
  let closed: Promise<unknown> | undefined;
  let onEmpty: (() => void) | undefined;

  return {
    async shared(action) {
      while (closed !== undefined) await closed;
      inside++;
      try {
        return await action();
      } finally {
        inside--;
        if (inside === 0) onEmpty?.();
      }
    },
    async alone(action) {
      while (closed !== undefined) await closed;
      const run = (async () => {
        if (inside > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
        onEmpty = undefined;
        return action();
      })();
      closed = run.catch(() => undefined);
      try {
        return await run;
      } finally {
        closed = undefined;
      }
    },
  };
}
