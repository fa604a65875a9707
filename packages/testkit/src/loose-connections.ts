import {
  type DescMessage,
  type MessageShape,
  type RpcCallOptions,
  type RpcConnection,
  RpcError,
  type RpcTransport,
  type StreamMethod,
  singleRequest,
  type UnaryMethod,
} from '@holdfast/protocol';

export interface LooseConnectionsOptions {
  readonly transport: RpcTransport;
  /** Whether something between client and server connects anew, unseen, when the server's process is another one. */
  readonly isProxied: boolean;
  /** A call went to another connection than the one before it, and its client knows nothing of that. */
  readonly onRenewed: () => void;
}

/** Connections of which client and server think differently. */
export interface LooseConnections extends RpcTransport {
  /** Clients lose all that they have; the servers are told nothing, and go on with every call on them. */
  abandon(): void;
}

export function createLooseConnections(options: LooseConnectionsOptions): LooseConnections {
  const living = new Set<() => void>();
  return {
    async connect(address, callOptions) {
      const { connection, abandon } = loosen(
        await options.transport.connect(address, callOptions),
        address,
        options,
      );
      living.add(abandon);
      void connection.closed.then(() => living.delete(abandon));
      return connection;
    },
    abandon() {
      for (const abandon of living) abandon();
    },
  };
}

function loosen(first: RpcConnection, address: string, options: LooseConnectionsOptions) {
  const { transport, isProxied, onRenewed } = options;
  let inner = first;
  let isBroken = false;
  let isAbandoned = false;
  let gone: RpcError | undefined;
  let lose: (error: RpcError) => void = () => {};
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject;
  });
  let resolveClosed: (error: RpcError | undefined) => void;
  const closed = new Promise<RpcError | undefined>((resolve) => {
    resolveClosed = resolve;
  });
  lost.catch(() => undefined);

  function watch(connection: RpcConnection): void {
    void connection.closed.then((error) => {
      isBroken = true;
      if (!isProxied) resolveClosed(error);
    });
  }

  /** What carries the next call. */
  async function present(callOptions: RpcCallOptions): Promise<RpcConnection> {
    if (gone !== undefined) throw gone;
    if (!isProxied || !isBroken) return inner;
    isBroken = false;
    try {
      inner = await transport.connect(address, callOptions);
    } catch (error) {
      isBroken = true;
      throw error;
    }
    watch(inner);
    onRenewed();
    return inner;
  }

  /** The messages of a call over whatever carries it, and over the next where it was broken before it had answered. */
  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O> | StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    callOptions: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    const repeatable = createRepeatable(requests);
    const own = new AbortController();
    // Nobody tells the server that its caller has given up where it cannot know that its caller is gone.
    const onAbort = () => {
      if (!isAbandoned) own.abort(callOptions.signal.reason);
    };
    callOptions.signal.addEventListener('abort', onAbort, { once: true });
    if (callOptions.signal.aborted) onAbort();
    const ownOptions = { ...callOptions, signal: own.signal };
    let messages: AsyncIterator<MessageShape<O>> | undefined;
    let hasAnswered = false;
    try {
      for (;;) {
        messages ??= callOver(await present(callOptions), method, repeatable(), ownOptions);
        try {
          const item = await Promise.race([messages.next(), lost]);
          if (item.done) return;
          hasAnswered = true;
          yield item.value;
        } catch (error) {
          const isHidden = isProxied && isBroken && !hasAnswered && !own.signal.aborted;
          if (!isHidden || gone !== undefined) throw error;
          messages = undefined;
        }
      }
    } finally {
      callOptions.signal.removeEventListener('abort', onAbort);
      if (!isAbandoned) await messages?.return?.();
    }
  }

  const connection: RpcConnection = {
    async unary(method, request, callOptions) {
      for await (const answer of exchange(method, singleRequest(request), callOptions)) return answer;
      throw new RpcError('internal', `${method.name}: ended without an answer`);
    },
    stream: exchange,
    get receivedBytes() {
      return inner.receivedBytes;
    },
    closed,
    async close() {
      if (gone !== undefined) return;
      gone = new RpcError('unavailable', `${address}: the connection was closed`);
      resolveClosed(undefined);
      await inner.close();
    },
  };
  watch(inner);
  return {
    connection,
    abandon() {
      if (gone !== undefined) return;
      isAbandoned = true;
      gone = new RpcError('unavailable', `${address}: connection lost`);
      lose(gone);
      resolveClosed(gone);
    },
  };
}

function callOver<I extends DescMessage, O extends DescMessage>(
  connection: RpcConnection,
  method: UnaryMethod<I, O> | StreamMethod<I, O>,
  requests: AsyncIterable<MessageShape<I>>,
  options: RpcCallOptions,
): AsyncIterator<MessageShape<O>> {
  if (method.methodKind !== 'unary')
    return connection.stream(method, requests, options)[Symbol.asyncIterator]();
  return answerOf(connection, method, requests, options);
}

async function* answerOf<I extends DescMessage, O extends DescMessage>(
  connection: RpcConnection,
  method: UnaryMethod<I, O>,
  requests: AsyncIterable<MessageShape<I>>,
  options: RpcCallOptions,
): AsyncGenerator<MessageShape<O>, void> {
  for await (const request of requests) yield await connection.unary(method, request, options);
}

/** Each time the same items: those that were taken before, and then the others. */
function createRepeatable<T>(items: AsyncIterable<T>): () => AsyncGenerator<T, void> {
  const taken: Promise<IteratorResult<T>>[] = [];
  const iterator = items[Symbol.asyncIterator]();
  return async function* () {
    for (let at = 0; ; at++) {
      const item = await (taken[at] ??= iterator.next());
      if (item.done) return;
      yield item.value;
    }
  };
}
