/** Waiting, as this package needs it: `Timers` of `@holdfast/format` has the same shape. */
export interface RpcTimers {
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
