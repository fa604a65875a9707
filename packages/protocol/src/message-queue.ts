/** A bounded queue between one sender and one reader. */
export interface MessageQueue<T> {
  /** Resolves when the item is in and there is room for another. Rejects with the queue's error once it has one. */
  push(item: T): Promise<void>;
  /** Nothing follows: what waits is still read, then comes the end, or `error`. Later calls change nothing. */
  end(error?: Error): void;
  /** What waits is dropped, and both sides get the error at once. Nothing after a reader has seen the end. */
  abort(error: Error): void;
  next(): Promise<IteratorResult<T, undefined>>;
}

/** Holds at most `capacity` items, at least 1, before `push` waits. */
export function createMessageQueue<T>(capacity: number): MessageQueue<T> {
  const items: T[] = [];
  let ended = false;
  let aborted = false;
  let failure: Error | undefined;
  let wakeReader: (() => void) | undefined;
  let wakeSender: (() => void) | undefined;

  function wakeBoth(): void {
    wakeReader?.();
    wakeSender?.();
  }

  return {
    async push(item) {
      if (failure !== undefined) throw failure;
      if (ended) throw new TypeError('push after end');
      items.push(item);
      wakeReader?.();
      while (items.length >= capacity && !aborted) {
        await new Promise<void>((resolve) => {
          wakeSender = resolve;
        });
      }
      if (aborted) throw failure;
    },
    end(error) {
      if (ended) return;
      ended = true;
      failure = error;
      wakeBoth();
    },
    abort(error) {
      if (aborted || (ended && items.length === 0)) return;
      aborted = true;
      ended = true;
      failure = error;
      items.length = 0;
      wakeBoth();
    },
    async next() {
      while (items.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      if (items.length > 0) {
        const value = items.shift() as T;
        wakeSender?.();
        return { done: false, value };
      }
      if (failure !== undefined) throw failure;
      return { done: true, value: undefined };
    },
  };
}
