/** How a client proves itself and its server. Everything is PEM text. */
export interface RpcTlsOptions {
  /** The authorities that the server's certificate must come from. Default: those that the platform trusts. */
  readonly ca?: string;
  /** The client's certificate chain, for servers that ask for one. Goes with `key`. */
  readonly cert?: string;
  readonly key?: string;
  /** The name to ask for and to check, where it is not the host of the address. */
  readonly serverName?: string;
  /**
   * Whether the certificate must name the server. Default true. SeaweedFS's own clients do not check it
   * (protocol.md §7), and its certificates often name no host; the authority is checked in any case.
   */
  readonly checkServerName?: boolean;
}

/** How a server proves itself, and whether its clients must. Everything is PEM text. */
export interface RpcServerTlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Set: only clients with a certificate from these authorities are let in. */
  readonly clientCa?: string;
}

const certificateCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Whether an error's `code` says that TLS itself failed (a certificate refused by either side, or a peer that does
 * not speak TLS), which no retry mends, and not the network under it.
 */
export function isTlsErrorCode(code: unknown): boolean {
  return (
    typeof code === 'string' &&
    (certificateCodes.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
  );
}

/** The reason of a failed handshake, with what OpenSSL's text leaves for the reader to guess. */
export function describeTlsError(error: Error & { readonly code?: unknown }): string {
  switch (error.code) {
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return 'client certificate required by the server';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'the server does not speak TLS on this port';
    default:
      return `${error.message}${typeof error.code === 'string' ? ` (${error.code})` : ''}`;
  }
}

/** A server that closes a new connection without a word. Node's own does so with a client certificate it refuses. */
export function describeEarlyClose(tls: RpcTlsOptions | undefined): string {
  const closed = 'closed before the HTTP/2 handshake';
  return tls?.cert === undefined ? closed : `${closed}: the server may have refused the client certificate`;
}
