/** An abort of one's own that the caller's signal sets off too. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Aborts, so that nothing is left running, and lets go of the caller's signal. Idempotent. */
  end(): void;
}

/** Made once: an error with its trace for each call that ends well would cost as much as the call. */
const OVER = new Error('it is over');

export function linkAbort(parent: AbortSignal): LinkedAbort {
  const controller = new AbortController();
  const onParentAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) onParentAbort();
  else parent.addEventListener('abort', onParentAbort, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    end() {
      parent.removeEventListener('abort', onParentAbort);
      controller.abort(OVER);
    },
  };
}
