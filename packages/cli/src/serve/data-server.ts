import { createDataApi, createDataGuard, type NeedleStore, type Peers } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import { UsageError } from '../usage-error.js';
import type { VerbContext } from '../verb.js';
import { version } from '../version.js';
import { type HttpListener, listenHttp } from './http-listener.js';
import type { ServeFlagValues } from './serve-flags.js';
import type { ServeSecurity } from './serve-security.js';

export interface DataServerOptions {
  readonly host: string;
  readonly store: NeedleStore;
  /** The rest of the cluster, once it is known where this server listens. */
  readonly peersAt: (port: number) => Peers | undefined;
  readonly flags: ServeFlagValues;
  readonly security: ServeSecurity;
}

/** The HTTP data API on a socket. Fails with `UsageError` where the port cannot be had. */
export async function startDataServer(
  options: DataServerOptions,
  { env }: VerbContext,
): Promise<HttpListener> {
  const { host, store, peersAt, flags, security } = options;
  try {
    return await listenHttp({
      host,
      port: flags.port,
      tls: security.httpServer,
      handlerAt(port) {
        const peers = peersAt(port);
        return createDataApi({
          env: nodeHttpEnvironment(),
          reads: store,
          writes: store,
          guard: createDataGuard({ clock: env.clock, ...security }),
          isDurable: !flags['no-fsync'],
          readMode: flags['read-mode'],
          version: `Holdfast ${version}`,
          ...(peers !== undefined && { peers }),
        });
      },
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${host}:${flags.port} cannot be listened on (${code}): take a free --port`, {
      cause,
    });
  }
}
