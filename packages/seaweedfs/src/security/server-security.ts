import { SeaweedError } from '../errors.js';
import {
  type SecuritySettings,
  securitySettings,
  type TlsPaths,
  tlsPaths,
  type Variables,
} from './security-settings.js';

/** What a volume server takes from SeaweedFS's `security.toml` (protocol.md §7). `undefined` and empty: not guarded so. */
export interface ServerSecurity {
  /** `[jwt.signing] key`: the secret of tokens for writing. */
  readonly writeSecret: string | undefined;
  /** `[jwt.signing.read] key`: the secret of tokens for reading. */
  readonly readSecret: string | undefined;
  /** `[guard] white_list`: addresses and ranges. */
  readonly whiteList: readonly string[];
  /** `[grpc.volume] cert, key`, and `[grpc] ca` that clients need a certificate of. */
  readonly grpc: TlsPaths | undefined;
  /** `[grpc.volume] allowed_commonNames`. */
  readonly allowedCommonNames: readonly string[];
  /** `[grpc] allowed_wildcard_domain`. */
  readonly allowedWildcardDomain: string | undefined;
  /** `[https.volume] cert, key`, and `ca` where clients need a certificate. */
  readonly https: TlsPaths | undefined;
}

/**
 * Reads a `security.toml` that is parsed to plain objects already, and the variables that go before it. Throws
 * `SeaweedError` code `bad-security` where a value is no text, where a certificate comes without its key, and where clients need
 * one of an authority but the server has none.
 */
export function serverSecurity(parsed: unknown, variables: Variables): ServerSecurity {
  const settings = securitySettings(parsed, variables);
  return {
    writeSecret: settings.text('jwt.signing.key'),
    readSecret: settings.text('jwt.signing.read.key'),
    whiteList: settings.list('guard.white_list'),
    grpc: serverTls(settings, 'grpc.volume', settings.text('grpc.volume.ca', 'grpc.ca')),
    allowedCommonNames: settings.list('grpc.volume.allowed_commonNames'),
    allowedWildcardDomain: settings.text('grpc.allowed_wildcard_domain'),
    https: serverTls(settings, 'https.volume', settings.text('https.volume.ca')),
  };
}

function serverTls(settings: SecuritySettings, table: string, caPath: string | undefined) {
  const paths = tlsPaths(settings, table, caPath);
  // A stock server goes on in plain text then, which nobody means who names an authority.
  if (paths !== undefined && paths.certPath === undefined)
    throw new SeaweedError(
      'bad-security',
      `there is an authority for clients, but [${table}] has no cert and key`,
    );
  return paths;
}
