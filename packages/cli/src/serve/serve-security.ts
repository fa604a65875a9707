import { type CommonNames, createWhiteList, type TokenKeys, type WhiteList } from '@holdfast/leader';
import { importTokenKeys } from '@holdfast/leader/node';
import type { RpcServerTlsOptions, RpcTlsOptions } from '@holdfast/protocol';
import { clientSecurity, serverSecurity, type TlsPaths } from '@holdfast/seaweedfs';
import { readServerTls, readTls, readToml } from '../security-files.js';
import { UsageError } from '../usage-error.js';
import type { VerbContext } from '../verb.js';
import type { ServeFlagValues } from './serve-flags.js';

/** Who is let in, and how others are spoken to. `undefined`: not guarded so, plain text. */
export interface ServeSecurity {
  readonly grpcServer: RpcServerTlsOptions | undefined;
  readonly httpServer: RpcServerTlsOptions | undefined;
  /** To masters and other volume servers. */
  readonly grpcClient: RpcTlsOptions | undefined;
  readonly httpClient: RpcTlsOptions | undefined;
  readonly writeKeys: TokenKeys | undefined;
  readonly readKeys: TokenKeys | undefined;
  readonly whiteList: WhiteList | undefined;
  readonly commonNames: CommonNames | undefined;
}

/** Each flag, else the variable of SeaweedFS, else the file of `--security`. Fails with `UsageError` and `SeaweedError`. */
export async function readServeSecurity(
  flags: ServeFlagValues,
  { variables }: Pick<VerbContext, 'variables'>,
): Promise<ServeSecurity> {
  const parsed = flags.security === undefined ? undefined : await readToml(flags.security);
  const server = serverSecurity(parsed, variables);
  const client = clientSecurity(parsed, { component: 'volume', variables });
  const grpc = flagPaths('tls', flags);
  const https = flagPaths('https', flags);
  const grpcServer = await readServerTls(grpc ?? server.grpc);
  const commonNames = commonNamesOf(flags, server);
  if (commonNames !== undefined && grpcServer?.clientCa === undefined)
    throw new UsageError(
      'allowed common names need certificates of clients: give --tls-ca, --tls-cert and --tls-key',
    );
  return {
    grpcServer,
    httpServer: await readServerTls(https ?? server.https),
    // An authority is the cluster's: its other servers are known by it, and know this one by its certificate.
    grpcClient: await readTls(grpc?.caPath === undefined ? client.grpc : grpc),
    httpClient: await readTls(https ?? client.https),
    writeKeys: await keysOf(flags['write-key'] ?? server.writeSecret),
    readKeys: await keysOf(flags['read-key'] ?? server.readSecret),
    whiteList: whiteListOf(flags['white-list'].length > 0 ? flags['white-list'] : server.whiteList),
    commonNames,
  };
}

function flagPaths(kind: 'tls' | 'https', flags: ServeFlagValues): TlsPaths | undefined {
  const [caPath, certPath, keyPath] = [flags[`${kind}-ca`], flags[`${kind}-cert`], flags[`${kind}-key`]];
  if (certPath !== undefined && keyPath !== undefined) return { caPath, certPath, keyPath };
  if (caPath === undefined && certPath === undefined && keyPath === undefined) return undefined;
  throw new UsageError(`--${kind}-cert and --${kind}-key go together: give both`);
}

function commonNamesOf(
  flags: ServeFlagValues,
  { allowedCommonNames, allowedWildcardDomain }: ReturnType<typeof serverSecurity>,
): CommonNames | undefined {
  const names = flags['allowed-common-names'];
  if (names.length > 0) return { names };
  if (allowedCommonNames.length === 0 && allowedWildcardDomain === undefined) return undefined;
  return { names: allowedCommonNames, wildcardDomain: allowedWildcardDomain };
}

async function keysOf(secret: string | undefined): Promise<TokenKeys | undefined> {
  return secret === undefined ? undefined : await importTokenKeys(secret);
}

function whiteListOf(entries: readonly string[]): WhiteList | undefined {
  if (entries.length === 0) return undefined;
  try {
    return createWhiteList(entries);
  } catch (cause) {
    throw new UsageError(`the white list is not possible: ${(cause as Error).message}`, { cause });
  }
}
