import { StoreError } from '../errors.js';

/** One change at a time; after a failure or the end, none. */
export interface Exclusive {
  readonly isFailed: boolean;
  /** Runs `work`. A failure of it ends everything, unless it is `harmless`: one that touches nothing believed. */
  run<T>(work: () => Promise<T>, kind?: 'harmless'): Promise<T>;
  /** Error `closed` after a failure or the end. */
  assertOpen(): void;
  /** Ends everything as a failure of its own would. */
  fail(cause: unknown): void;
  /** No more changes. */
  end(): void;
}

/** `what` names the object in messages. */
export function createExclusive(what: string): Exclusive {
  let isBusy = false;
  let isEnded = false;
  let failure: { readonly cause: unknown } | undefined;

  function assertOpen(): void {
    if (failure !== undefined) {
      throw new StoreError('closed', `${what} ended with a failure: open the volume's home again`, {
        cause: failure.cause,
        remedy: 'retry',
      });
    }
    if (isEnded) throw new StoreError('closed', `${what} is closed`);
  }

  function fail(cause: unknown): void {
    failure ??= { cause };
  }

  return {
    get isFailed() {
      return failure !== undefined;
    },
    assertOpen,
    fail,
    async run(work, kind) {
      assertOpen();
      if (isBusy) throw new TypeError(`${what}: one change at a time`);
      isBusy = true;
      try {
        return await work();
      } catch (cause) {
        if (kind !== 'harmless') fail(cause);
        throw cause;
      } finally {
        isBusy = false;
      }
    },
    end() {
      isEnded = true;
    },
  };
}
