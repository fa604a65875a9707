import { SeaweedError } from './errors.js';

/** Files of one client, as paths that `security.toml` names. `undefined` where the table does not say. */
export interface ClientTlsPaths {
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
}

/** What a client takes from SeaweedFS's `security.toml` (protocol.md §7). `undefined`: plain text there. */
export interface ClientSecurity {
  /** `[grpc] ca` with `[grpc.client] cert, key`: mutual TLS to masters and volume servers. */
  readonly grpc: ClientTlsPaths | undefined;
  /** `[https.client]`: for `/status` and the data API. */
  readonly https: ClientTlsPaths | undefined;
}

/**
 * Reads a `security.toml` that is parsed to plain objects already. Throws `SeaweedError` code `bad-security` where a
 * value is no text, or where a certificate comes without its key.
 */
export function clientSecurity(parsed: unknown): ClientSecurity {
  const grpc = table(parsed, 'grpc');
  const grpcClient = table(grpc, 'client', 'grpc.');
  const httpsClient = table(table(parsed, 'https'), 'client', 'https.');
  return {
    // SeaweedFS reads the certificate authority from either table; the client's own comes first.
    grpc: tlsPaths(
      'grpc.client',
      grpcClient,
      text(grpcClient, 'ca', 'grpc.client') ?? text(grpc, 'ca', 'grpc'),
    ),
    https: isEnabled(httpsClient)
      ? tlsPaths('https.client', httpsClient, text(httpsClient, 'ca', 'https.client'))
      : undefined,
  };
}

type Table = Readonly<Record<string, unknown>>;

function table(parent: unknown, name: string, prefix = ''): Table {
  const value = (parent as Table | null | undefined)?.[name];
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SeaweedError('bad-security', `[${prefix}${name}] is not a table`);
  }
  return value as Table;
}

/** An empty text is how the scaffolded file says "not set". */
function text(from: Table, name: string, tableName: string): string | undefined {
  const value = from[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string')
    throw new SeaweedError('bad-security', `[${tableName}] ${name} is not a text`);
  return value;
}

function isEnabled(httpsClient: Table): boolean {
  return httpsClient.enabled === true || httpsClient.enabled === 'true';
}

function tlsPaths(tableName: string, from: Table, caPath: string | undefined): ClientTlsPaths | undefined {
  const certPath = text(from, 'cert', tableName);
  const keyPath = text(from, 'key', tableName);
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new SeaweedError('bad-security', `[${tableName}] has only one of cert and key`);
  }
  if (caPath === undefined && certPath === undefined) return undefined;
  return { caPath, certPath, keyPath };
}
