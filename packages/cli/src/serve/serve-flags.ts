import { masterFlag } from '../cluster.js';
import { integer, nonEmpty, oneOf, port, sizeBytes } from '../flag-values.js';
import type { Flags, FlagValues, ListFlag } from '../flags.js';
import { directoryFlag } from '../sync-flags.js';

/** Words between commas. */
function wordList(placeholder: string, help: string): ListFlag<string> {
  const parse = (text: string) => text.split(',').map((word) => nonEmpty(word.trim()));
  return { kind: 'list', placeholder, help, parse };
}

const pemFile = (help: string) => ({ kind: 'option', placeholder: 'FILE', help, parse: nonEmpty }) as const;
const word = (placeholder: string, help: string) =>
  ({ kind: 'option', placeholder, help, parse: nonEmpty }) as const;

/** Who may do what, and how it is spoken. */
export const serveSecurityFlags = {
  security: pemFile("SeaweedFS's security.toml; flags go before it"),
  'write-key': word(
    'SECRET',
    'POST, PUT and DELETE need a token signed with it; better as HOLDFAST_WRITE_KEY',
  ),
  'read-key': word('SECRET', 'GET and HEAD need one signed with it; better as HOLDFAST_READ_KEY'),
  'white-list': wordList(
    'ADDRESS',
    'addresses and ranges that alone may change anything, such as 10.0.0.0/8',
  ),
  'tls-ca': pemFile('gRPC: let in only clients with a certificate from it'),
  'tls-cert': pemFile('gRPC: own certificate, PEM'),
  'tls-key': pemFile('key of --tls-cert'),
  'allowed-common-names': wordList(
    'NAME',
    'gRPC: let in only clients whose certificate has such a common name',
  ),
  'https-ca': pemFile('HTTP: let in only clients with a certificate from it'),
  'https-cert': pemFile('HTTP: own certificate, PEM'),
  'https-key': pemFile('key of --https-cert'),
} as const satisfies Flags;

export const serveFlags = {
  dir: directoryFlag,
  ip: {
    kind: 'option',
    placeholder: 'IP',
    help: 'where to listen, and where the cluster reaches it',
    parse: nonEmpty,
    fallback: '127.0.0.1',
  },
  'ip-bind': word('IP', 'where to listen, if that is another, such as 0.0.0.0'),
  port: {
    kind: 'option',
    placeholder: 'PORT',
    help: 'of the HTTP data API; 0 takes a free one',
    parse: port,
    fallback: '8080',
  },
  'grpc-port': {
    kind: 'option',
    placeholder: 'PORT',
    help: 'of gRPC; 0 takes a free one (default: 10000 above --port)',
    parse: port,
  },
  'public-url': word(
    'HOST:PORT',
    'where clients outside the cluster reach the data API (default: --ip and --port)',
  ),
  master: masterFlag,
  'data-center': word('NAME', 'told to the master'),
  rack: word('NAME', 'told to the master'),
  'max-volumes': {
    kind: 'option',
    placeholder: 'N',
    help: 'volumes that are taken in all; 0: as many as the disk has room for',
    parse: integer(0, 1_000_000),
    fallback: '8',
  },
  'min-free': {
    kind: 'option',
    placeholder: 'SIZE',
    help: 'with less free on the disk, no more files are placed here',
    parse: sizeBytes(0),
    fallback: '1GiB',
  },
  'read-only': {
    kind: 'switch',
    help: 'files as they are, whoever writes them: gRPC alone, and only for following',
  },
  'no-fsync': { kind: 'switch', help: 'answer writes before they are on the disk' },
  'read-mode': {
    kind: 'option',
    placeholder: 'MODE',
    help: 'what becomes of reading volumes that are elsewhere: proxy, redirect or local (404)',
    parse: oneOf('proxy', 'redirect', 'local'),
    fallback: 'proxy',
  },
  transport: {
    kind: 'option',
    placeholder: 'NAME',
    help: 'grpc, or connect: gRPC, gRPC-Web and Connect on one port',
    parse: oneOf('grpc', 'connect'),
    fallback: 'grpc',
  },
  ...serveSecurityFlags,
} as const satisfies Flags;

export type ServeFlagValues = FlagValues<typeof serveFlags>;

/** A volume server's gRPC port is so far above its data API's where nobody says another (protocol.md §1). */
const GRPC_PORT_DISTANCE = 10_000;

/** `--grpc-port`, else beside the port that was asked for or is bound; 0 takes a free one. */
export function grpcPortOf(flags: ServeFlagValues, boundPort = flags.port): number {
  if (flags['grpc-port'] !== undefined) return flags['grpc-port'];
  const beside = boundPort + GRPC_PORT_DISTANCE;
  return flags.port === 0 || beside > 65_535 ? 0 : beside;
}
