import { securitySettings, type TlsPaths, tlsPaths, type Variables } from './security-settings.js';

/** What a client takes from SeaweedFS's `security.toml` (protocol.md §7). `undefined`: plain text there. */
export interface ClientSecurity {
  /** `[grpc] ca` with the client's `cert, key`: mutual TLS to masters and volume servers. */
  readonly grpc: TlsPaths | undefined;
  /** `[https.client]`: for `/status` and the data API. */
  readonly https: TlsPaths | undefined;
}

export interface ClientSecurityOptions {
  /** Whose certificate is shown: `[grpc.client]`, or `[grpc.volume]` of a volume server that calls others. Default `client`. */
  readonly component?: 'client' | 'volume';
  /** Default: none. */
  readonly variables?: Variables;
}

/**
 * Reads a `security.toml` that is parsed to plain objects already. Throws `SeaweedError` code `bad-security` where a
 * value is no text, or where a certificate comes without its key.
 */
export function clientSecurity(parsed: unknown, options: ClientSecurityOptions = {}): ClientSecurity {
  const { component = 'client', variables = {} } = options;
  const settings = securitySettings(parsed, variables);
  const table = `grpc.${component}`;
  return {
    // SeaweedFS reads the certificate authority from either table; the client's own comes first.
    grpc: tlsPaths(settings, table, settings.text(`${table}.ca`, 'grpc.ca')),
    https: settings.isTrue('https.client.enabled')
      ? tlsPaths(settings, 'https.client', settings.text('https.client.ca'))
      : undefined,
  };
}
