import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import type { Timers } from '@holdfast/format';
import {
  LeaderError,
  type LeaderErrorDetail,
  type RpcConnection,
  type StreamMethod,
  type UnaryMethod,
  waitForSilence,
} from '@holdfast/protocol';
import type { SeaweedLimits } from './limits.js';
import { type LinkedAbort, linkAbort } from './linked-abort.js';
import { translateError } from './translate-error.js';

/** Calls over one connection to one stock server: each with an end, each failure a `LeaderError`. */
export interface StockCaller {
  /** `isExpected` picks errors that are an answer, and passes them on untranslated. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    call: StockCallOptions,
  ): Promise<MessageShape<O>>;
  /** Fails with `unreachable` when nothing came for `noBytesTimeoutMs` while somebody waited for it (`waitForSilence`). */
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageInitShape<I>,
    call: StockCallOptions,
  ): AsyncGenerator<MessageShape<O>, void>;
  /** The same with many requests, made until their signal aborts: when the call is over, however. */
  exchange<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    requests: (signal: AbortSignal) => AsyncIterable<MessageShape<I>>,
    call: StockCallOptions,
  ): AsyncGenerator<MessageShape<O>, void>;
}

export interface StockCallOptions {
  readonly signal: AbortSignal;
  readonly detail: LeaderErrorDetail;
  readonly isExpected?: (error: unknown) => boolean;
  /** For a stream that may be silent for long: the request side stays open, and silence is no failure. */
  readonly staysOpen?: boolean;
  /** As `RpcCallOptions.reusesMessages`. */
  readonly reusesMessages?: boolean;
}

export interface StockCallerOptions {
  readonly connection: RpcConnection;
  readonly address: string;
  readonly timers: Timers;
  readonly limits: SeaweedLimits;
}

/** Made once: an error with its trace for each message would cost as much as the message. */
const ARRIVED = new Error('a message has come');

export function createStockCaller({ connection, address, timers, limits }: StockCallerOptions): StockCaller {
  const failure = (error: unknown, signal: AbortSignal, call: StockCallOptions): unknown => {
    // An aborted call fails with whatever its transport says of that; what counts is why it was aborted.
    if (signal.aborted) return signal.reason;
    if (call.isExpected?.(error)) return error;
    return translateError(error, { address, ...call.detail });
  };

  return {
    async unary(method, request, call) {
      try {
        return await connection.unary(method, create(method.input, request), {
          signal: call.signal,
          timeoutMs: limits.unaryTimeoutMs,
        });
      } catch (error) {
        throw failure(error, call.signal, call);
      }
    },

    stream: (method, request, call) =>
      exchange(
        method,
        (signal) => oneRequest(create(method.input, request), call.staysOpen ? signal : undefined),
        call,
      ),

    exchange,
  };

  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    requests: (signal: AbortSignal) => AsyncIterable<MessageShape<I>>,
    call: StockCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    const abort = linkAbort(call.signal);
    try {
      const messages = connection.stream(method, requests(abort.signal), {
        signal: abort.signal,
        ...(call.reusesMessages && { reusesMessages: true }),
      });
      const iterator = messages[Symbol.asyncIterator]();
      for (;;) {
        const item = await (call.staysOpen ? iterator.next() : withinNoBytesTimeout(iterator, abort));
        if (item.done) return;
        yield item.value;
      }
    } catch (error) {
      throw failure(error, abort.signal, call);
    } finally {
      abort.end();
    }
  }

  async function withinNoBytesTimeout<T>(iterator: AsyncIterator<T>, abort: LinkedAbort) {
    const arrival = new AbortController();
    const { noBytesTimeoutMs } = limits;
    const receivedBytes = () => connection.receivedBytes;
    waitForSilence({ timers, noBytesTimeoutMs, receivedBytes }, arrival.signal).then(
      () =>
        abort.abort(
          new LeaderError('unreachable', `${address}: nothing came for ${noBytesTimeoutMs} ms`, { address }),
        ),
      () => undefined,
    );
    try {
      return await iterator.next();
    } finally {
      arrival.abort(ARRIVED);
    }
  }
}

/** One request, and then the end of the request side: at once, or when `openUntil` aborts. */
async function* oneRequest<T>(request: T, openUntil: AbortSignal | undefined): AsyncGenerator<T, void> {
  yield request;
  if (!openUntil || openUntil.aborted) return;
  await new Promise((resolve) => openUntil.addEventListener('abort', resolve, { once: true }));
}
