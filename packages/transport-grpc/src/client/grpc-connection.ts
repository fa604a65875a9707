import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  describeEarlyClose,
  openReceiveWindow,
  type RpcCallOptions,
  type RpcConnection,
  RpcError,
  rpcPath,
  type StreamMethod,
  singleRequest,
  type UnaryMethod,
} from '@holdfast/protocol';
import { createClientSocket, socketError, withinConnectLimits } from '@holdfast/protocol/node';
import type { GrpcSettings } from '../grpc-options.js';
import { type ClientSession, createClientSession } from '../http2/client-session.js';
import { createFrameWriter } from './frame-writer.js';
import { type CallTarget, createCallTarget, type GrpcCall, startGrpcCall } from './grpc-call.js';
import { type Keepalive, startKeepalive } from './keepalive.js';

/** What the socket reads at a time. */
const READ_BYTES = 256 * 1024;

/** A socket with its session, from the first byte to the last. */
interface Link {
  readonly socket: Socket;
  readonly session: ClientSession;
  /** Resolves at the server's first settings: only they prove that it took a client's certificate. */
  readonly ready: Promise<void>;
  /** Resolves when the socket is closed: with why, where something was wrong. Never rejects. */
  readonly closed: Promise<RpcError | undefined>;
}

/** Connects now. Fails with `unavailable`, `unauthenticated` (TLS), `canceled` or `deadline-exceeded`. */
export function connectGrpc(
  address: string,
  settings: GrpcSettings,
  options: RpcCallOptions,
): Promise<RpcConnection> {
  return withinConnectLimits(address, options, (signal) => connect(address, settings, signal));
}

async function connect(address: string, settings: GrpcSettings, signal: AbortSignal): Promise<RpcConnection> {
  signal.throwIfAborted();
  const link = openLink(address, settings);
  try {
    await Promise.race([
      link.ready,
      link.closed.then((error) => {
        throw error ?? new RpcError('unavailable', `${address}: ${describeEarlyClose(settings.tls)}`);
      }),
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    ]);
    return connectionOver(address, link, settings);
  } catch (error) {
    link.socket.destroy();
    await link.closed;
    throw error;
  }
}

function openLink(address: string, settings: GrpcSettings): Link {
  let failure: RpcError | undefined;
  let keepalive: Keepalive | undefined;
  let resolveReady: () => void;
  const ready = new Promise<void>((resolve) => {
    resolveReady = resolve;
  });
  const socket = createClientSocket(address, settings.tls, {
    buffer: new Uint8Array(READ_BYTES),
    callback(bytes, buffer) {
      keepalive?.heard();
      session.push(buffer.subarray(0, bytes));
      return true;
    },
  });

  function fail(error: RpcError): void {
    failure ??= error;
    session.close();
    // The reason for which the session goes is still said.
    writer.flush();
    socket.destroy();
  }

  const writer = createFrameWriter(socket);
  const session = createClientSession(
    {
      write: writer.write,
      onReady: () => resolveReady(),
      onEnd: (error) => fail(new RpcError('unavailable', `${address}: ${error.message}`, error)),
    },
    settings.windowBytes,
  );
  // Earlier, what TLS has to say of a handshake that fails would be lost to what was written before it.
  socket.once(settings.tls === undefined ? 'connect' : 'secureConnect', () => {
    session.start();
    keepalive = startKeepalive({
      keepaliveTimeMs: settings.keepaliveTimeMs,
      keepaliveTimeoutMs: settings.keepaliveTimeoutMs,
      ping: () => session.ping(),
      onSilence: () => fail(new RpcError('unavailable', `${address}: no answer to a ping`)),
    });
  });
  socket.on('drain', () => session.drained());
  socket.on('error', (error) => {
    failure ??= socketError(address, error);
  });
  const closed = new Promise<RpcError | undefined>((resolve) => {
    socket.once('close', () => {
      keepalive?.stop();
      session.close();
      resolve(failure);
    });
  });
  return { socket, session, ready, closed };
}

function connectionOver(address: string, link: Link, settings: GrpcSettings): RpcConnection {
  const { socket, session } = link;
  const calls = new Set<{ abort(error: RpcError): void }>();
  const scheme = settings.tls === undefined ? 'http' : 'https';
  const target: CallTarget = createCallTarget(session, scheme, address, settings.limits);
  const window = openReceiveWindow(
    {
      receivedBytes: () => socket.bytesRead,
      setWindow: (bytes) => session.setWindow(bytes),
      isGone: () => gone !== undefined,
      nowMs: () => performance.now(),
      timers: { sleep: (delayMs, signal) => sleep(delayMs, undefined, { ref: false, signal }) },
    },
    settings.windowBytes,
  );
  let gone: RpcError | undefined;
  let isClosing = false;

  function leave(error: RpcError): void {
    if (gone !== undefined) return;
    gone = error;
    for (const call of calls) call.abort(error);
  }

  const closed = link.closed.then((cause) => {
    const lost = new RpcError('unavailable', cause?.message ?? `${address}: connection lost`, cause);
    leave(lost);
    if (isClosing) return undefined;
    return cause?.code === 'unauthenticated' ? cause : lost;
  });

  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O> | StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    options: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    if (options.signal.aborted) throw new RpcError('canceled', `${rpcPath(method)}: canceled by the caller`);
    if (gone !== undefined) throw gone;
    const call: GrpcCall<MessageShape<O>> = startGrpcCall(target, method, requests, options);
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
      return socket.bytesRead;
    },
    closed,
    async close() {
      if (gone === undefined) {
        isClosing = true;
        leave(new RpcError('unavailable', `${address}: the connection was closed`));
        socket.destroy();
      }
      await closed;
    },
  };
}
