import { RpcError } from './rpc-error.js';
import type { RpcTimers } from './timers.js';

/**
 * The messages of one call, which is given up as `unavailable` where none comes for `noBytesTimeoutMs`. Only the
 * time that its reader waits counts. `call` gets a signal that ends with the reading.
 */
export async function* watchStream<T>(
  call: (signal: AbortSignal) => AsyncIterable<T>,
  options: { readonly signal: AbortSignal; readonly timers: RpcTimers; readonly noBytesTimeoutMs: number },
): AsyncGenerator<T, void> {
  const { signal, timers, noBytesTimeoutMs } = options;
  const ended = new AbortController();
  const onAbort = () => ended.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let silent = false;
  const iterator = call(ended.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const waited = new AbortController();
      timers.sleep(noBytesTimeoutMs, waited.signal).then(
        () => {
          silent = true;
          ended.abort();
        },
        () => undefined,
      );
      const result = await iterator.next().finally(() => waited.abort());
      if (result.done) return;
      yield result.value;
    }
  } catch (error) {
    if (silent) throw new RpcError('unavailable', `nothing came for ${noBytesTimeoutMs} ms`, error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    ended.abort();
    await iterator.return?.();
  }
}
