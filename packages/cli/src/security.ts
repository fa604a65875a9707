import type { RpcTlsOptions } from '@holdfast/protocol';
import { clientSecurity, type TlsPaths } from '@holdfast/seaweedfs';
import { nonEmpty } from './flag-values.js';
import { readTls, readToml } from './security-files.js';
import { UsageError } from './usage-error.js';

/** How to speak to a cluster. */
export const securityFlags = {
  'tls-ca': {
    kind: 'option',
    placeholder: 'FILE',
    help: 'authority of the servers, PEM: gRPC by TLS',
    parse: nonEmpty,
  },
  'tls-cert': {
    kind: 'option',
    placeholder: 'FILE',
    help: 'own certificate, PEM, for mutual TLS',
    parse: nonEmpty,
  },
  'tls-key': { kind: 'option', placeholder: 'FILE', help: 'key of --tls-cert', parse: nonEmpty },
  security: {
    kind: 'option',
    placeholder: 'FILE',
    help: "SeaweedFS's security.toml, instead of the three",
    parse: nonEmpty,
  },
} as const;

export interface SecurityValues {
  readonly 'tls-ca': string | undefined;
  readonly 'tls-cert': string | undefined;
  readonly 'tls-key': string | undefined;
  readonly security: string | undefined;
}

/** `undefined`: plain text. */
export interface ClusterSecurity {
  readonly grpc: RpcTlsOptions | undefined;
  readonly https: RpcTlsOptions | undefined;
}

/** Reads the files that the flags name. Fails with `UsageError` where they cannot be used. */
export async function readSecurity(flags: SecurityValues): Promise<ClusterSecurity> {
  const paths: TlsPaths = {
    caPath: flags['tls-ca'],
    certPath: flags['tls-cert'],
    keyPath: flags['tls-key'],
  };
  const hasPaths = Object.values(paths).some((path) => path !== undefined);
  if (flags.security !== undefined) {
    if (hasPaths) throw new UsageError('give either --security or --tls-ca, --tls-cert and --tls-key');
    const security = clientSecurity(await readToml(flags.security));
    return { grpc: await readTls(security.grpc), https: await readTls(security.https) };
  }
  if ((paths.certPath === undefined) !== (paths.keyPath === undefined)) {
    throw new UsageError('--tls-cert and --tls-key go together: give both');
  }
  return { grpc: hasPaths ? await readTls(paths) : undefined, https: undefined };
}
