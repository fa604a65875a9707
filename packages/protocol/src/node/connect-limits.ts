import { RpcError } from '../rpc-error.js';
import type { RpcCallOptions } from '../rpc-transport.js';

/**
 * Opens a connection to `address` with a signal that aborts when the caller's does, with `canceled`, or when `timeoutMs`
 * have passed, with `deadline-exceeded`.
 */
export async function withinConnectLimits<T>(
  address: string,
  options: RpcCallOptions,
  open: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const onAbort = () => ended.abort(new RpcError('canceled', `${address}: canceled by the caller`));
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => ended.abort(new RpcError('deadline-exceeded', `${address}: no connection in time`)),
          options.timeoutMs,
        );
  try {
    return await open(ended.signal);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
  }
}
