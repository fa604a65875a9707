import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { RpcServerTlsOptions } from '@holdfast/protocol';
import { getRequestListener } from '@hono/node-server';

/** Answers a request of the peer with this address. */
export type HttpHandler = (request: Request, peer: { readonly address: string }) => Promise<Response>;

export interface HttpListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: RpcServerTlsOptions | undefined;
  /** Makes the handler, when it is known where it listens. */
  readonly handlerAt: (port: number) => HttpHandler;
  readonly limits?: Partial<HttpListenerLimits>;
}

/** What clients may take of the sockets; what they may ask for is the data API's. */
export interface HttpListenerLimits {
  /** From the opening of a connection, or the first byte of the next request on it, to the last header. Default 20 s. */
  readonly headersTimeoutMs: number;
  /** To the last byte of a body: the longest upload, however it drips in. Default 1 h. */
  readonly requestTimeoutMs: number;
  /** Without a byte either way a connection is closed. Default 2 min. */
  readonly idleTimeoutMs: number;
  /** Request line and headers. Beyond it 431. Default 160 KiB: pairs are headers. */
  readonly headerBytes: number;
  /** More are closed unanswered. Default 10,000. */
  readonly connections: number;
  /** What is under way when the listener closes may take so long. Default 30 s. */
  readonly closeTimeoutMs: number;
}

const defaultHttpListenerLimits: HttpListenerLimits = {
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 3_600_000,
  idleTimeoutMs: 120_000,
  headerBytes: 160 * 1024,
  connections: 10_000,
  closeTimeoutMs: 30_000,
};

export interface HttpListener {
  readonly port: number;
  /** Takes no more connections, answers what is under way, and resolves when nothing is left. Idempotent. */
  close(): Promise<void>;
}

/** Listens now. Fails with the system's error where it cannot. */
export async function listenHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { host, port, tls, handlerAt } = options;
  const limits: HttpListenerLimits = { ...defaultHttpListenerLimits, ...options.limits };
  const serverOptions: ServerOptions = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    maxHeaderSize: limits.headerBytes,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs / 4, 5_000),
    noDelay: true,
  };
  const server = tls === undefined ? createHttpServer(serverOptions) : secureServer(serverOptions, tls);
  // Without it fields behind the thousandth are dropped in silence; their bytes are bounded.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idleTimeoutMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: boundPort } = server.address() as AddressInfo;
  const handle = handlerAt(boundPort);
  if (tls !== undefined) server.on('request', withoutConnectionFields);
  server.on(
    'request',
    getRequestListener(
      (request, { incoming }) => handle(request, { address: incoming.socket.remoteAddress ?? '' }),
      { hostname: host },
    ),
  );
  const silent = trackSilent(server);
  let closing: Promise<void> | undefined;
  return {
    port: boundPort,
    close() {
      closing ??= closeServer(server, silent, limits.closeTimeoutMs);
      return closing;
    },
  };
}

function secureServer(options: ServerOptions, { cert, key, clientCa }: RpcServerTlsOptions): Server {
  return createHttpsServer({
    ...options,
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  });
}

/**
 * A real volume server hands an answer's fields on as they are, over HTTP/2 where there is TLS: `Keep-Alive` is a
 * protocol error there (measured on 4.48). HTTP/1.1 connections stay open without being told.
 */
function withoutConnectionFields({ httpVersion }: IncomingMessage, response: ServerResponse): void {
  if (httpVersion === '1.1') response.removeHeader('connection');
}

/** Connections on which no request has come yet. */
function trackSilent(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  return silent;
}

/** How often connections are looked for that have become idle while closing. */
const SWEEP_MS = 20;

function closeServer(server: Server, silent: ReadonlySet<Socket>, closeTimeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const limit = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(limit);
      resolve();
    });
    // Those that Node counts as idle have had a request.
    for (const socket of silent) socket.destroy();
  });
}
