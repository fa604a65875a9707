import { readFile } from 'node:fs/promises';
import type { RpcTlsOptions } from '@holdfast/protocol';
import { clientSecurity, type TlsPaths } from '@holdfast/seaweedfs';
import { parse } from 'smol-toml';
import { nonEmpty } from './flag-values.js';
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

async function readToml(path: string): Promise<unknown> {
  const text = await readText('--security', path);
  try {
    return parse(text);
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n');
    throw new UsageError(`--security ${path} is no TOML file: ${line}`, { cause });
  }
}

async function readTls(paths: TlsPaths | undefined): Promise<RpcTlsOptions | undefined> {
  if (paths === undefined) return undefined;
  const [ca, cert, key] = await Promise.all(
    [paths.caPath, paths.certPath, paths.keyPath].map((path) =>
      path === undefined ? undefined : readText('the certificate file', path),
    ),
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // SeaweedFS's certificates often name no host, and its own clients do not ask (protocol.md §7).
    checkServerName: false,
  };
}

async function readText(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      `${what} ${path} cannot be read (${(cause as NodeJS.ErrnoException).code}): check the path`,
      {
        cause,
      },
    );
  }
}
