/** One action at a time, in the order asked for. */
export interface Mutex {
  run<T>(action: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(action) {
      const turn = last.then(action, action);
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
