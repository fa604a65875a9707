import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createLeader } from '@holdfast/leader';
import { createFollowService, type RpcServerTlsOptions } from '@holdfast/protocol';
import { createConnectTransport } from '@holdfast/transport-connect';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { exitCodes } from '../exit-code.js';
import { nonEmpty, oneOf, port } from '../flag-values.js';
import { directoryFlag } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { defineVerb } from '../verb.js';

export const serve = defineVerb({
  name: 'serve',
  summary: "serves a directory of volumes as Holdfast's own leader, read-only",
  positionals: [],
  flags: {
    dir: directoryFlag,
    ip: {
      kind: 'option',
      placeholder: 'IP',
      help: 'where to listen',
      parse: nonEmpty,
      fallback: '127.0.0.1',
    },
    'grpc-port': {
      kind: 'option',
      placeholder: 'PORT',
      help: '0 takes a free one',
      parse: port,
      fallback: '18080',
    },
    'read-only': { kind: 'switch', help: 'needed: writing is not offered' },
    transport: {
      kind: 'option',
      placeholder: 'NAME',
      help: 'grpc, or connect: gRPC, gRPC-Web and Connect on one port',
      parse: oneOf('grpc', 'connect'),
      fallback: 'grpc',
    },
    'tls-ca': {
      kind: 'option',
      placeholder: 'FILE',
      help: 'let in only clients with a certificate from it',
      parse: nonEmpty,
    },
    'tls-cert': { kind: 'option', placeholder: 'FILE', help: 'own certificate, PEM', parse: nonEmpty },
    'tls-key': { kind: 'option', placeholder: 'FILE', help: 'key of --tls-cert', parse: nonEmpty },
  },
  examples: ['holdfast serve --dir /data --read-only --ip 127.0.0.1 --grpc-port 18080'],
  async run(flags, _positionals, { env, timers, output, signal }) {
    if (!flags['read-only']) throw new UsageError('only reading is served: give --read-only');
    const directory = resolve(flags.dir);
    const serverTls = await readServerTls(flags['tls-ca'], flags['tls-cert'], flags['tls-key']);
    const options = serverTls === undefined ? {} : { serverTls };
    const transport =
      flags.transport === 'grpc' ? createGrpcTransport(options) : createConnectTransport(options);
    const leader = createLeader({ env, timers, directory, serverId: '' });
    const volumes = await leader.sweep(signal);
    const service = createFollowService(leader, { crc32c: env.crc32c, timers });
    const host = flags.ip.includes(':') ? `[${flags.ip}]` : flags.ip;
    const listener = await transport
      .serve(`${host}:${flags['grpc-port']}`, [service])
      .catch((cause: Error) => {
        throw new UsageError(
          `${host}:${flags['grpc-port']} cannot be listened on: ${cause.message}; take a free --grpc-port`,
          { cause },
        );
      });
    try {
      output.event(
        { event: 'listening', address: listener.address, volumes: volumes.length },
        `serving ${volumes.length} volumes of ${directory} at ${listener.address}, read-only; Ctrl-C ends it`,
      );
      await ended(signal);
    } finally {
      await listener.close();
      await leader.close();
    }
    output.summary({ ok: true, address: listener.address }, 'ended');
    return exitCodes.done;
  },
});

async function readServerTls(
  caPath: string | undefined,
  certPath: string | undefined,
  keyPath: string | undefined,
): Promise<RpcServerTlsOptions | undefined> {
  if (certPath === undefined || keyPath === undefined) {
    if (caPath === undefined && certPath === undefined && keyPath === undefined) return undefined;
    throw new UsageError('--tls-cert and --tls-key go together: give both');
  }
  const read = (path: string) =>
    readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new UsageError(`the certificate file ${path} cannot be read (${cause.code}): check the path`, {
        cause,
      });
    });
  const [cert, key] = [await read(certPath), await read(keyPath)];
  return { cert, key, ...(caPath === undefined ? {} : { clientCa: await read(caPath) }) };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
