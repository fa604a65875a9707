import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import {
  codeOfGrpcStatus,
  type RpcCallOptions,
  type RpcConnection,
  RpcError,
  rpcPath,
  type StreamMethod,
  toRpcError,
} from '@holdfast/protocol';
import type { ConnectSettings } from './connect-options.js';
import type { CallTransport } from './connect-types.js';
import { type Http2Link, openHttp2Link } from './http2-link.js';

/** Connects now. Fails with `unavailable`, `unauthenticated` (TLS), `canceled` or `deadline-exceeded`. */
export async function connectOver(
  address: string,
  settings: ConnectSettings,
  options: RpcCallOptions,
): Promise<RpcConnection> {
  const link = await openHttp2Link(address, settings, options);
  const transport = transportOver(link, settings);

  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    callOptions: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    const call = startCall(link, rpcPath(method), callOptions);
    const sent = call.watchRequests(requests);
    try {
      const { timeoutMs } = callOptions;
      const { message } = await transport.stream(method, call.signal, timeoutMs, undefined, sent);
      for await (const response of message) yield response;
    } catch (error) {
      throw call.translate(error);
    } finally {
      call.end();
    }
  }

  return {
    async unary(method, request, callOptions) {
      const call = startCall(link, rpcPath(method), callOptions);
      try {
        const { timeoutMs } = callOptions;
        const response = await transport.unary(method, call.signal, timeoutMs, undefined, request);
        return response.message;
      } catch (error) {
        throw call.translate(error);
      } finally {
        call.end();
      }
    },
    stream: exchange,
    get receivedBytes() {
      return link.receivedBytes();
    },
    closed: link.closed,
    close: link.close,
  };
}

function transportOver(link: Http2Link, settings: ConnectSettings): CallTransport {
  const options = {
    baseUrl: link.sessionManager.authority,
    httpVersion: '2' as const,
    sessionManager: link.sessionManager,
    readMaxBytes: settings.limits.messageBytes,
    acceptCompression: [],
  };
  switch (settings.protocol) {
    case 'grpc':
      return createGrpcTransport(options) as unknown as CallTransport;
    case 'grpc-web':
      return createGrpcWebTransport(options) as unknown as CallTransport;
    case 'connect':
      return createConnectTransport(options) as unknown as CallTransport;
  }
}

/** One call's signal, which leaving the call aborts: connect does not cancel by itself. */
function startCall(link: Http2Link, path: string, { signal }: RpcCallOptions) {
  if (signal.aborted) throw new RpcError('canceled', `${path}: canceled by the caller`);
  const lost = link.gone();
  if (lost !== undefined) throw lost;
  const ended = new AbortController();
  const onAbort = () => ended.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  link.ended.addEventListener('abort', onAbort, { once: true });
  let requestFailure: RpcError | undefined;
  return {
    signal: ended.signal,
    /** The same requests; their failure is kept as it was, which connect would make `internal`. */
    async *watchRequests<T>(requests: AsyncIterable<T>): AsyncGenerator<T, void> {
      try {
        yield* requests;
      } catch (error) {
        requestFailure = toRpcError(error);
        throw error;
      }
    },
    translate(error: unknown): RpcError {
      if (requestFailure !== undefined) return requestFailure;
      if (error instanceof RpcError) return error;
      if (signal.aborted) return new RpcError('canceled', `${path}: canceled by the caller`, error);
      const { code, rawMessage } = ConnectError.from(error);
      const translated = new RpcError(codeOfGrpcStatus(code), rawMessage, error);
      const saysServer = translated.code !== 'canceled' && translated.code !== 'internal';
      return saysServer ? translated : (link.gone() ?? translated);
    },
    end() {
      signal.removeEventListener('abort', onAbort);
      link.ended.removeEventListener('abort', onAbort);
      ended.abort(new RpcError('canceled', `${path}: the call has ended`));
    },
  };
}
