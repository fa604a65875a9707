import { isIP, connect as netConnect, type OnReadOpts, type Socket } from 'node:net';
import { checkServerIdentity, connect as tlsConnect } from 'node:tls';
import { RpcError } from '../rpc-error.js';
import { describeTlsError, isTlsErrorCode, type RpcTlsOptions } from '../tls-options.js';

/**
 * A socket that is about to connect to `address` (`host:port`), by TLS with ALPN `h2` where there is `tls`; what is
 * written meanwhile is sent then. With `reader`, what comes goes into its buffer, and no `data` event tells of it.
 */
export function createClientSocket(
  address: string,
  tls: RpcTlsOptions | undefined,
  reader?: OnReadOpts,
): Socket {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  const target = { host, port, ...(reader && { onread: reader }) };
  const socket = tls === undefined ? netConnect(target) : tlsConnect({ ...target, ...tlsOptions(host, tls) });
  return socket.setNoDelay(true);
}

/** What a socket's error means to a caller: TLS that failed is told apart from a network that did. */
export function socketError(address: string, error: Error & { readonly code?: unknown }): RpcError {
  if (isTlsErrorCode(error.code)) {
    return new RpcError('unauthenticated', `${address}: TLS: ${describeTlsError(error)}`, error);
  }
  return new RpcError('unavailable', `${address}: ${error.message}`, error);
}

function tlsOptions(host: string, tls: RpcTlsOptions) {
  const name = tls.serverName ?? host;
  return {
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
