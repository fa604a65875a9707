import { isIP, connect as netConnect, type Socket } from 'node:net';
import { checkServerIdentity, connect as tlsConnect } from 'node:tls';
import { describeTlsError, isTlsErrorCode, RpcError, type RpcTlsOptions } from '@holdfast/protocol';

/** A connected socket, its TLS handshake through. Fails with `unavailable`, `unauthenticated` or the signal's reason. */
export function openClientSocket(
  address: string,
  tls: RpcTlsOptions | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  const socket = tls === undefined ? netConnect({ host, port }) : tlsConnect(tlsOptions(host, port, tls));
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(socketError(address, error));
    });
  });
}

/** What a socket's error means to a caller: TLS that failed is told apart from a network that did. */
export function socketError(address: string, error: Error & { readonly code?: unknown }): RpcError {
  if (isTlsErrorCode(error.code)) {
    return new RpcError('unauthenticated', `${address}: TLS: ${describeTlsError(error)}`, error);
  }
  return new RpcError('unavailable', `${address}: ${error.message}`, error);
}

function tlsOptions(host: string, port: number, tls: RpcTlsOptions) {
  const name = tls.serverName ?? host;
  return {
    host,
    port,
    ALPNProtocols: ['h2'],
    // An IP address is checked in the certificate but, by RFC 6066, not sent as a server name.
    ...(isIP(name) === 0 && { servername: name }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      tls.checkServerName === false ? undefined : checkServerIdentity(name, certificate),
  };
}
