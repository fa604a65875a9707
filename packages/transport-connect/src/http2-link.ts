import { type ClientHttp2Session, connect as http2Connect } from 'node:http2';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { describeEarlyClose, openReceiveWindow, type RpcCallOptions, RpcError } from '@holdfast/protocol';
import { socketError, withinConnectLimits } from '@holdfast/protocol/node';
import { openClientSocket } from './client-socket.js';
import type { ConnectSettings } from './connect-options.js';
import type { SessionManager } from './connect-types.js';

/** One HTTP/2 session on one socket, which is never replaced. */
export interface Http2Link {
  /** For connect-node, whose own manager opens a new session when it finds the old one gone. */
  readonly sessionManager: SessionManager;
  /** Of all that came through the socket. */
  receivedBytes(): number;
  /** Set as soon as the session or its socket is gone, before any event has said so. */
  gone(): RpcError | undefined;
  /** Aborts when it goes: a session that is destroyed leaves its calls waiting. */
  readonly ended: AbortSignal;
  /** Resolves when nothing is left of it: with its error, or with nothing after `close`. */
  readonly closed: Promise<RpcError | undefined>;
  close(): Promise<void>;
}

/** Connects now, up to the server's HTTP/2 settings: only they prove that it took a client's certificate. */
export function openHttp2Link(
  address: string,
  settings: ConnectSettings,
  options: RpcCallOptions,
): Promise<Http2Link> {
  return withinConnectLimits(address, options, (signal) => open(address, settings, signal));
}

async function open(address: string, settings: ConnectSettings, signal: AbortSignal): Promise<Http2Link> {
  const socket = await openClientSocket(address, settings.tls, signal);
  const authority = `${settings.tls === undefined ? 'http' : 'https'}://${address}`;
  let failure: RpcError | undefined;
  const fail = (error: Error) => {
    failure ??= socketError(address, error);
  };
  socket.on('error', (error) => {
    fail(error);
    // A session does not notice an alert that comes before its settings.
    session.destroy();
    socket.destroy();
  });
  const session = http2Connect(authority, {
    createConnection: () => socket,
    settings: { initialWindowSize: settings.windowBytes, enablePush: false },
  });
  session.on('error', fail);
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      session.destroy();
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    session.once('remoteSettings', () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      session.destroy();
      reject(failure ?? new RpcError('unavailable', `${address}: ${describeEarlyClose(settings.tls)}`));
    });
  });
  return linkOver(session, socket, authority, address, settings, () => failure);
}

function linkOver(
  session: ClientHttp2Session,
  socket: Socket,
  authority: string,
  address: string,
  settings: ConnectSettings,
  failure: () => RpcError | undefined,
): Http2Link {
  const stopKeepalive = startKeepalive(session, settings);
  const window = openReceiveWindow(
    {
      receivedBytes: () => socket.bytesRead,
      setWindow: (bytes) => session.setLocalWindowSize(bytes),
      isGone: () => session.destroyed,
      nowMs: () => performance.now(),
      timers: { sleep: (delayMs, signal) => sleep(delayMs, undefined, { ref: false, signal }) },
    },
    settings.windowBytes,
  );
  const ended = new AbortController();
  let left: RpcError | undefined;
  let closedByUs = false;
  let resolveClosed: (error: RpcError | undefined) => void;
  const closed = new Promise<RpcError | undefined>((resolve) => {
    resolveClosed = resolve;
  });

  function lost(): RpcError {
    const cause = failure();
    return new RpcError('unavailable', cause?.message ?? `${address}: connection lost`, cause);
  }

  function leave(error: RpcError): void {
    left ??= error;
    stopKeepalive();
    ended.abort(left);
    session.destroy();
    socket.destroy();
  }

  // After GOAWAY a session would still answer what is under way, but nothing new: that is half a connection.
  session.on('goaway', () => leave(lost()));
  session.on('close', () => leave(lost()));
  socket.on('close', () => {
    leave(lost());
    const reported = failure()?.code === 'unauthenticated' ? failure() : left;
    resolveClosed(closedByUs ? undefined : reported);
  });

  function gone(): RpcError | undefined {
    if (left === undefined && (session.destroyed || session.closed || socket.destroyed)) left = lost();
    return left;
  }

  return {
    sessionManager: {
      authority,
      async request(method, path, headers, options) {
        const error = gone();
        if (error !== undefined) throw new ConnectError(error.message, Code.Unavailable);
        window.look();
        return session.request({ ...headers, ':method': method, ':path': path }, options);
      },
      notifyResponseByteRead: () => window.look(),
    },
    receivedBytes: () => socket.bytesRead,
    gone,
    ended: ended.signal,
    closed,
    async close() {
      if (gone() === undefined) {
        closedByUs = true;
        leave(new RpcError('unavailable', `${address}: the connection was closed`));
      }
      await closed;
    },
  };
}

/** One ping at a time; none to a session that is going, which would throw. */
function startKeepalive(session: ClientHttp2Session, settings: ConnectSettings): () => void {
  let overdue: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (overdue !== undefined || session.destroyed) return;
    overdue = setTimeout(
      () => session.destroy(new Error('keepalive: no answer')),
      settings.keepaliveTimeoutMs,
    );
    overdue.unref();
    session.ping(() => {
      clearTimeout(overdue);
      overdue = undefined;
    });
  }, settings.keepaliveTimeMs);
  interval.unref();
  return () => {
    clearInterval(interval);
    clearTimeout(overdue);
  };
}
