import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import {
  grpcStatusOfCode,
  RpcError,
  type RpcHandlerContext,
  type RpcListener,
  type RpcRoute,
  type RpcServerTlsOptions,
  type RpcService,
  rpcRoutes,
  toRpcError,
} from '@holdfast/protocol';
import type { GrpcSettings } from '../grpc-options.js';
import { decodeMessage, encodeMessage } from '../message-codec.js';

/** Listens now. Fails with `unavailable` where it cannot, a port in use above all. */
export async function serveGrpc(
  address: string,
  services: readonly RpcService[],
  settings: GrpcSettings,
): Promise<RpcListener> {
  const server = new Server(serverOptions(settings));
  for (const [path, route] of rpcRoutes(services)) {
    if (route.kind === 'unary') {
      server.register(
        path,
        unaryHandler(route),
        (bytes) => bytes,
        (bytes) => bytes,
        'unary',
      );
    } else {
      const handler = streamHandler(route, settings.limits.bufferedMessages);
      server.register(
        path,
        handler,
        (bytes) => bytes,
        (bytes) => bytes,
        'bidi',
      );
    }
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, serverCredentials(settings.serverTls), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new RpcError('unavailable', `${address}: ${error.message}`, error));
    });
  });
  let closing: Promise<void> | undefined;
  return {
    address: `${address.slice(0, address.lastIndexOf(':'))}:${port}`,
    close() {
      closing ??= new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        server.forceShutdown();
      });
      return closing;
    },
  };
}

function serverOptions(settings: GrpcSettings): ServerOptions {
  return {
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': settings.limits.messageBytes,
    'grpc.max_send_message_length': -1,
  };
}

function serverCredentials(tls: RpcServerTlsOptions | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  const ca = tls.clientCa === undefined ? null : Buffer.from(tls.clientCa);
  return ServerCredentials.createSsl(ca, [pair], ca !== null);
}

function unaryHandler({ method, handler }: RpcRoute & { kind: 'unary' }): handleUnaryCall<Buffer, Buffer> {
  return (call, respond) => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort(new RpcError('canceled', 'the caller is gone')));
    const answer = async (): Promise<Buffer> => {
      const request = decodeMessage(method.input, call.request);
      return encodeMessage(method.output, await handler(request, contextOf(call, ended.signal)));
    };
    answer().then(
      (bytes) => respond(null, bytes),
      (error: unknown) => respond(statusOf(error)),
    );
  };
}

function streamHandler(
  { method, handler }: RpcRoute & { kind: 'stream' },
  bufferedMessages: number,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort(new RpcError('canceled', 'the caller is gone')));

    async function* requests() {
      // The stream's own end is not the call's: it still has to answer.
      const received = call.iterator({ destroyOnReturn: false });
      for await (const bytes of received) yield decodeMessage(method.input, bytes as Buffer);
      // A connection that breaks looks like the end of the requests, until it has closed.
      await new Promise((resolve) => setImmediate(resolve));
      if (ended.signal.aborted) throw ended.signal.reason;
    }

    const answer = async (): Promise<void> => {
      const write = createBoundedWriter(call, bufferedMessages, ended.signal);
      for await (const message of handler(requests(), contextOf(call, ended.signal))) {
        await write(encodeMessage(method.output, message));
      }
    };
    answer().then(
      () => call.end(),
      (error: unknown) => {
        if (!ended.signal.aborted) call.emit('error', statusOf(error));
      },
    );
  };
}

function contextOf(
  call: ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  signal: AbortSignal,
): RpcHandlerContext {
  return {
    signal,
    peer: call.getPeer(),
    // Taking a certificate apart costs more than most calls: only who asks pays for it.
    get peerCommonName() {
      const name: unknown = call.getAuthContext().sslPeerCertificate?.subject?.CN;
      return typeof name === 'string' ? name : undefined;
    },
  };
}

/** Writes, and waits while `capacity` messages have not yet left for the network. */
function createBoundedWriter(
  call: ServerDuplexStream<Buffer, Buffer>,
  capacity: number,
  signal: AbortSignal,
): (bytes: Buffer) => Promise<void> {
  let unsent = 0;
  let wake: (() => void) | undefined;
  signal.addEventListener('abort', () => wake?.(), { once: true });
  return async (bytes) => {
    if (signal.aborted) throw signal.reason;
    unsent += 1;
    call.write(bytes, () => {
      unsent -= 1;
      wake?.();
    });
    while (unsent >= capacity && !signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (signal.aborted) throw signal.reason;
  };
}

function statusOf(error: unknown): { readonly code: number; readonly details: string } {
  const { code, message } = toRpcError(error);
  return { code: grpcStatusOfCode(code), details: message };
}
