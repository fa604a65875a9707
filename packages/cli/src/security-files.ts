import { readFile } from 'node:fs/promises';
import type { RpcServerTlsOptions, RpcTlsOptions } from '@holdfast/protocol';
import type { TlsPaths } from '@holdfast/seaweedfs';
import { UsageError } from './usage-error.js';

/** The `security.toml` that `--security` names, as plain objects. Fails with `UsageError`. */
export async function readToml(path: string): Promise<unknown> {
  const text = await readText('--security', path);
  const { parse } = await import('smol-toml');
  try {
    return parse(text);
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n');
    throw new UsageError(`--security ${path} is no TOML file: ${line}`, { cause });
  }
}

/** The files of a client. Fails with `UsageError`. */
export async function readTls(paths: TlsPaths | undefined): Promise<RpcTlsOptions | undefined> {
  if (paths === undefined) return undefined;
  const { ca, cert, key } = await readPem(paths);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // SeaweedFS's certificates often name no host, and its own clients do not ask (protocol.md §7).
    checkServerName: false,
  };
}

/** The files of a server, where it has a certificate. Fails with `UsageError`. */
export async function readServerTls(paths: TlsPaths | undefined): Promise<RpcServerTlsOptions | undefined> {
  if (paths === undefined) return undefined;
  const { ca, cert, key } = await readPem(paths);
  if (cert === undefined || key === undefined) return undefined;
  return { cert, key, ...(ca === undefined ? {} : { clientCa: ca }) };
}

async function readPem({ caPath, certPath, keyPath }: TlsPaths) {
  const [ca, cert, key] = await Promise.all(
    [caPath, certPath, keyPath].map((path) =>
      path === undefined ? undefined : readText('the certificate file', path),
    ),
  );
  return { ca, cert, key };
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
