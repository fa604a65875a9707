import { RpcError } from './rpc-error.js';
import type { RpcTimers } from './timers.js';

const KiB = 1024;
/** Pings and their like come over a connection whose calls stand still too. */
const LIFE_BYTES = 64 * KiB;
/** Windows and messages of a connection's calls: what can stand before the message that is waited for. */
const AHEAD_BYTES_MAX = 32 * 1024 * KiB;

/** How long a message is waited for. */
export interface SilenceOptions {
  readonly timers: RpcTimers;
  readonly noBytesTimeoutMs: number;
  /** Of the whole connection, parts of messages included (`RpcConnection.receivedBytes`). */
  readonly receivedBytes: () => number;
}

/**
 * Resolves when a message that is waited for is not to be waited for any longer: nothing that counts came for
 * `noBytesTimeoutMs`, or more than can have stood before it. A large message on a slow link takes longer than that, and
 * its parts are a sign of life. Rejects when `arrived` aborts.
 */
export async function waitForSilence(
  { timers, noBytesTimeoutMs, receivedBytes }: SilenceOptions,
  arrived: AbortSignal,
): Promise<void> {
  const startBytes = receivedBytes();
  let beforeBytes: number;
  do {
    beforeBytes = receivedBytes();
    await timers.sleep(noBytesTimeoutMs, arrived);
  } while (receivedBytes() - beforeBytes >= LIFE_BYTES && receivedBytes() - startBytes <= AHEAD_BYTES_MAX);
}

/**
 * The messages of one call, which is given up as `unavailable` where none comes any more (`waitForSilence`). Only the
 * time that its reader waits counts. `call` gets a signal that ends with the reading.
 */
export async function* watchStream<T>(
  call: (signal: AbortSignal) => AsyncIterable<T>,
  options: SilenceOptions & { readonly signal: AbortSignal },
): AsyncGenerator<T, void> {
  const { signal, noBytesTimeoutMs } = options;
  const ended = new AbortController();
  const onAbort = () => ended.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let silent = false;
  const iterator = call(ended.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const arrived = new AbortController();
      waitForSilence(options, arrived.signal).then(
        () => {
          silent = true;
          ended.abort();
        },
        () => undefined,
      );
      const result = await iterator.next().finally(() => arrived.abort());
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
