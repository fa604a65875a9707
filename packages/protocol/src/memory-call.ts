import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { RpcLimits } from './limits.js';
import { createMessageQueue, type MessageQueue } from './message-queue.js';
import { RpcError, toRpcError } from './rpc-error.js';
import type { RpcRoute } from './rpc-routes.js';

/** One message on its way through a memory network. */
export interface MemoryFrame {
  readonly address: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly direction: 'request' | 'response';
  /** As gRPC would frame it: five bytes and the encoded message. */
  readonly sizeBytes: number;
}

/** One call between a client and a handler, in encoded messages, so that no object is ever shared. */
export interface MemoryCall {
  sendRequest(message: Uint8Array): Promise<void>;
  endRequests(): void;
  nextResponse(): Promise<IteratorResult<Uint8Array, undefined>>;
  /** Ends both directions at once. Nothing after the call has ended. */
  abort(error: RpcError): void;
  /** Aborts when the call has ended, in whichever way. */
  readonly ended: AbortSignal;
}

export interface MemoryCallOptions {
  readonly path: string;
  readonly peer: string;
  readonly limits: RpcLimits;
  /**
   * Resolves with the message as it arrives, or with nothing where the call ends in its place as if it were over; rejects
   * where the connection broke under it.
   */
  readonly carry: (
    direction: MemoryFrame['direction'],
    message: Uint8Array,
  ) => Promise<Uint8Array | undefined>;
}

const frameHeaderBytes = 5;

export function frameSizeBytes(messageSizeBytes: number): number {
  return frameHeaderBytes + messageSizeBytes;
}

/** Starts `route`'s handler, or fails with `unimplemented` where there is none. */
export function startMemoryCall(route: RpcRoute | undefined, options: MemoryCallOptions): MemoryCall {
  const { path, peer, limits, carry } = options;
  const requests = createMessageQueue<Uint8Array>(limits.bufferedMessages);
  const responses = createMessageQueue<Uint8Array>(limits.bufferedMessages);
  const ended = new AbortController();

  function abort(error: RpcError): void {
    if (ended.signal.aborted) return;
    requests.abort(error);
    responses.abort(error);
    ended.abort(error);
  }

  function finish(error?: RpcError): void {
    if (ended.signal.aborted) return;
    responses.end(error);
    requests.abort(error ?? new RpcError('canceled', `${path} has been answered`));
    ended.abort(error);
  }

  async function send(
    queue: MessageQueue<Uint8Array>,
    direction: MemoryFrame['direction'],
    message: Uint8Array,
  ): Promise<void> {
    if (message.length > limits.messageBytes) {
      const text = `${path}: a ${direction} of ${message.length} bytes, the limit is ${limits.messageBytes}`;
      throw new RpcError('resource-exhausted', text);
    }
    const arriving = await carry(direction, message);
    if (arriving === undefined) return finish();
    await queue.push(arriving);
  }

  async function answer({ kind, method, handler }: RpcRoute): Promise<void> {
    const context = { signal: ended.signal, peer };
    const received = decodeAll(method.input, requests);
    if (kind === 'unary') {
      const first = await received.next();
      if (first.done) throw new RpcError('invalid-argument', `${path}: no request`);
      await send(responses, 'response', encode(method.output, await handler(first.value, context)));
      return;
    }
    for await (const message of handler(received, context)) {
      await send(responses, 'response', encode(method.output, message));
    }
  }

  if (route === undefined) finish(new RpcError('unimplemented', `${path} is not served here`));
  else {
    answer(route).then(
      () => finish(),
      (error: unknown) => finish(toRpcError(error)),
    );
  }

  return {
    sendRequest: (message) => send(requests, 'request', message),
    endRequests: () => requests.end(),
    nextResponse: () => responses.next(),
    abort,
    ended: ended.signal,
  };
}

export function encode<D extends DescMessage>(type: D, message: MessageShape<D>): Uint8Array {
  return toBinary(type, message);
}

async function* decodeAll<D extends DescMessage>(
  type: D,
  queue: MessageQueue<Uint8Array>,
): AsyncGenerator<MessageShape<D>, undefined> {
  for (;;) {
    const item = await queue.next();
    if (item.done) return undefined;
    yield fromBinary(type, item.value);
  }
}
