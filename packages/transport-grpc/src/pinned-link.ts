import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { checkServerIdentity, connect as tlsConnect } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { describeTlsError, isTlsErrorCode, RpcError, type RpcTlsOptions } from '@holdfast/protocol';

/** The one socket that a channel may ever have. */
export interface PinnedLink {
  /** For exactly one channel: they let it connect once, and refuse every later attempt. */
  readonly credentials: ReturnType<typeof credentials.createInsecure>;
  /** Why TLS or the socket failed, where there was a socket that did. */
  error(): RpcError | undefined;
  /** Whether there ever was a socket. */
  opened(): boolean;
  /** Of all that came through the socket. */
  receivedBytes(): number;
  /** Resolves once the socket, if there ever was one, is closed. */
  destroy(): Promise<void>;
  /** Called once, when a socket that was there has closed. */
  onClosed(listener: () => void): void;
}

/**
 * grpc-js reconnects by itself and keeps the reasons of a failed handshake to itself. Both are settled where it
 * asks its credentials to make a raw socket a secure one: the only place at which it shows its socket.
 */
export function createPinnedLink(address: string, tls: RpcTlsOptions | undefined): PinnedLink {
  let socket: Socket | undefined;
  let failure: RpcError | undefined;
  let destroyed = false;
  let closedListener: (() => void) | undefined;

  function watch(watched: Socket): void {
    watched.on('error', (error: Error & { code?: string }) => {
      failure ??= isTlsErrorCode(error.code)
        ? new RpcError('unauthenticated', `${address}: TLS: ${describeTlsError(error)}`, error)
        : new RpcError('unavailable', `${address}: ${error.message}`, error);
    });
    watched.once('close', () => closedListener?.());
  }

  function connectOnce(raw: Socket): Promise<{ readonly socket: Socket; readonly secure: boolean }> {
    if (socket !== undefined || destroyed) {
      raw.destroy();
      return Promise.reject(new Error('a connection is never made twice'));
    }
    const secured = tls === undefined ? raw : startTls(raw, address, tls);
    socket = secured;
    watch(secured);
    if (tls === undefined) return Promise.resolve({ socket: raw, secure: false });
    return new Promise((resolve, reject) => {
      secured.once('secureConnect', () => resolve({ socket: secured, secure: true }));
      secured.once('error', reject);
      secured.once('close', () => reject(new Error('connection closed during the TLS handshake')));
    });
  }

  const pinned = credentials.createInsecure();
  pinned._isSecure = () => tls !== undefined;
  const createInsecureConnector = pinned._createSecureConnector.bind(pinned);
  pinned._createSecureConnector = (...parameters) => ({
    ...createInsecureConnector(...parameters),
    connect: connectOnce,
  });

  return {
    credentials: pinned,
    error: () => failure,
    opened: () => socket !== undefined,
    receivedBytes: () => socket?.bytesRead ?? 0,
    async destroy() {
      destroyed = true;
      if (socket === undefined || socket.closed) return;
      const ending = socket;
      await new Promise<void>((resolve) => {
        ending.once('close', () => resolve());
        ending.destroy();
      });
    },
    onClosed(listener) {
      closedListener = listener;
    },
  };
}

function startTls(raw: Socket, address: string, tls: RpcTlsOptions): Socket {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const name = tls.serverName ?? host;
  return tlsConnect({
    socket: raw,
    ALPNProtocols: ['h2'],
    host: name,
    // An IP address is checked in the certificate but, by RFC 6066, not sent as a server name.
    ...(isIP(name) === 0 && { servername: name }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    checkServerIdentity: (_host, certificate) =>
      tls.checkServerName === false ? undefined : checkServerIdentity(name, certificate),
  });
}
