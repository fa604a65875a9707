import { createServer as createHttp1Server } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { RpcError, type RpcListener, type RpcServerTlsOptions, type RpcService } from '@holdfast/protocol';
import { allowOrigins, type RequestHandler } from './connect-cors.js';
import type { ConnectSettings } from './connect-options.js';
import { addRoutes, closedKey, peerCommonNameKey, peerKey } from './connect-routes.js';
import type { RouteTarget } from './connect-types.js';

/** Listens now: gRPC, gRPC-Web and Connect on one port, over HTTP/2 and HTTP/1.1. */
export async function serveConnect(
  address: string,
  services: readonly RpcService[],
  settings: ConnectSettings,
): Promise<RpcListener> {
  const answer: RequestHandler = connectNodeAdapter({
    routes: (router) => addRoutes(router as unknown as RouteTarget, services),
    contextValues: (request) => {
      const { socket } = request;
      const closed = new AbortController();
      const carrier = 'stream' in request ? request.stream : socket;
      carrier.once('close', () => closed.abort(new RpcError('canceled', 'the caller is gone')));
      return createContextValues()
        .set(peerKey, `${socket.remoteAddress}:${socket.remotePort}`)
        .set(peerCommonNameKey, () => commonNameOf(socket))
        .set(closedKey, closed.signal);
    },
    readMaxBytes: settings.limits.messageBytes,
    acceptCompression: [],
  });
  const handle = allowOrigins(answer, settings.allowedOrigins);
  const server =
    settings.serverTls === undefined
      ? plainServer(handle, settings)
      : tlsServer(handle, settings, settings.serverTls);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  const port = await listen(server, host.replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1)));
  let closing: Promise<void> | undefined;
  return {
    address: `${host}:${port}`,
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
      return closing;
    },
  };
}

function commonNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN as string | readonly string[] | undefined;
  return typeof name === 'string' ? name : undefined;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new RpcError('unavailable', error.message, error)));
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function tlsServer(handle: RequestHandler, settings: ConnectSettings, tls: RpcServerTlsOptions): Server {
  const server = createSecureServer(
    {
      allowHTTP1: true,
      cert: tls.cert,
      key: tls.key,
      settings: { initialWindowSize: settings.windowBytes },
      ...(tls.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    handle,
  );
  server.on('session', (session) => widen(session, settings));
  return server;
}

const http2Preface = 'PRI * HTTP/2';

/** Without TLS nothing negotiates: the first bytes tell which HTTP a client speaks. */
function plainServer(handle: RequestHandler, settings: ConnectSettings): Server {
  const http1 = createHttp1Server(handle);
  const http2 = createHttp2Server({ settings: { initialWindowSize: settings.windowBytes } }, handle);
  http2.on('session', (session) => widen(session, settings));
  return createNetServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const sniff = () => {
      const head: Buffer | null = socket.read();
      if (head === null) return;
      socket.removeListener('readable', sniff);
      socket.unshift(head);
      const isHttp2 = http2Preface.startsWith(head.toString('latin1', 0, http2Preface.length));
      (isHttp2 ? http2 : http1).emit('connection', socket);
    };
    socket.on('readable', sniff);
  });
}

function widen(session: ServerHttp2Session, settings: ConnectSettings): void {
  session.setLocalWindowSize(settings.windowBytes);
  session.on('error', () => session.destroy());
}
