import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { Channel, type ChannelInterface, connectivityState, Metadata } from '@grpc/grpc-js';
import {
  describeEarlyClose,
  type ReceiveWindow,
  type RpcCallOptions,
  type RpcConnection,
  RpcError,
  type RpcTlsOptions,
  rpcPath,
  type StreamMethod,
  singleRequest,
  type UnaryMethod,
} from '@holdfast/protocol';
import { type ClientCall, startClientCall } from './client-call.js';
import type { GrpcSettings } from './grpc-options.js';
import { openWindows, sessionOf } from './http2-session.js';
import { createPinnedLink, type PinnedLink } from './pinned-link.js';

/** Connects now. Fails with `unavailable`, `unauthenticated` (TLS), `canceled` or `deadline-exceeded`. */
export async function connectGrpc(
  address: string,
  settings: GrpcSettings,
  options: RpcCallOptions,
): Promise<RpcConnection> {
  if (options.signal.aborted) throw new RpcError('canceled', `${address}: canceled by the caller`);
  const link = createPinnedLink(address, settings.tls);
  const channel = new Channel(`dns:${address}`, link.credentials, settings.channelOptions);
  try {
    await reachReady(channel, address, link, settings.tls, options);
    const window = openWindows(sessionOf(channel, address), link.receivedBytes, settings.windowBytes);
    return connectionOver(channel, link, window, address);
  } catch (error) {
    channel.close();
    await link.destroy();
    throw error;
  }
}

async function reachReady(
  channel: ChannelInterface,
  address: string,
  link: PinnedLink,
  tls: RpcTlsOptions | undefined,
  options: RpcCallOptions,
): Promise<void> {
  const ended = new AbortController();
  const onAbort = () => ended.abort(new RpcError('canceled', `${address}: canceled by the caller`));
  options.signal.addEventListener('abort', onAbort, { once: true });
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => ended.abort(new RpcError('deadline-exceeded', `${address}: no connection in time`)),
          options.timeoutMs,
        );
  try {
    let attempted = false;
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return;
      if (state === connectivityState.TRANSIENT_FAILURE || (attempted && state === connectivityState.IDLE)) {
        if (!link.opened()) throw await lastFailure(channel, address);
        throw link.error() ?? new RpcError('unavailable', `${address}: ${describeEarlyClose(tls)}`);
      }
      attempted ||= state === connectivityState.CONNECTING;
      await stateChange(channel, state, ended.signal);
    }
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
  }
}

function stateChange(channel: ChannelInterface, from: connectivityState, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    channel.watchConnectivityState(from, Number.POSITIVE_INFINITY, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
  });
}

/** A channel tells why it could not connect only to a call that fails because of it. */
function lastFailure(channel: ChannelInterface, address: string): Promise<RpcError> {
  return new Promise((resolve) => {
    const call = channel.createCall('/', Number.POSITIVE_INFINITY, null, null, null);
    call.start(new Metadata(), {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveStatus({ details }) {
        const reason = /Last error: (?:Error: )?(.*?)(?: \([^()]*Z\))?(?:\. Resolution note: .*)?$/.exec(
          details,
        )?.[1];
        resolve(new RpcError('unavailable', `${address}: ${reason ?? details}`));
      },
    });
  });
}

function connectionOver(
  channel: Channel,
  link: PinnedLink,
  window: ReceiveWindow,
  address: string,
): RpcConnection {
  const calls = new Set<{ abort(error: RpcError): void }>();
  let gone: RpcError | undefined;
  let resolveClosed: (error: RpcError | undefined) => void;
  const closed = new Promise<RpcError | undefined>((resolve) => {
    resolveClosed = resolve;
  });

  function leave(error: RpcError, reported: RpcError | undefined): void {
    if (gone !== undefined) return;
    gone = error;
    for (const call of calls) call.abort(error);
    channel.close();
    void link.destroy().then(() => resolveClosed(reported));
  }

  function lose(): void {
    const cause = link.error();
    const error = new RpcError('unavailable', cause?.message ?? `${address}: connection lost`, cause);
    leave(error, cause?.code === 'unauthenticated' ? cause : error);
  }

  link.onClosed(lose);
  channel.watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, lose);

  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O> | StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    options: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    if (options.signal.aborted) throw new RpcError('canceled', `${rpcPath(method)}: canceled by the caller`);
    if (gone !== undefined) throw gone;
    const call: ClientCall<MessageShape<O>> = startClientCall(channel, method, requests, options);
    calls.add(call);
    window.look();
    try {
      for await (const response of call.responses) {
        window.look();
        yield response;
      }
    } finally {
      calls.delete(call);
    }
  }

  return {
    async unary(method, request, options) {
      let answer: MessageShape<typeof method.output> | undefined;
      for await (const response of exchange(method, singleRequest(request), options)) answer = response;
      if (answer === undefined) throw new RpcError('internal', `${rpcPath(method)}: ended without an answer`);
      return answer;
    },
    stream: exchange,
    get receivedBytes() {
      return link.receivedBytes();
    },
    closed,
    async close() {
      leave(new RpcError('unavailable', `${address}: the connection was closed`), undefined);
      await closed;
    },
  };
}
