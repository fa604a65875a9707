import { SeaweedError, type SeaweedErrorCode } from './errors.js';

/** Where one SeaweedFS server is reached. Both are `host:port`. */
export interface ServerAddress {
  readonly httpAddress: string;
  readonly grpcAddress: string;
}

/** Without a port of its own, gRPC listens so far above HTTP (protocol.md §1). */
const GRPC_PORT_OFFSET = 10_000;
const MAX_PORT = 65_535;

const SERVER_ADDRESS = /^(?<host>\[[0-9a-f:.%]+\]|[^\s:/[\]]+):(?<port>\d{1,5})(?:\.(?<grpcPort>\d{1,5}))?$/i;

/** `host:port`, or `host:port.grpcPort`. Throws `SeaweedError` code `bad-address`. */
export function parseServerAddress(text: string): ServerAddress {
  return addressIn(text, 0, 'bad-address');
}

/**
 * An address out of a `Location`, `VolumeLocation` or `DataNodeInfo`: `host:port` and a gRPC port, 0 if not given. Throws
 * `SeaweedError` code `bad-answer`: no user has written it.
 */
export function locationAddress(url: string, grpcPort: number): ServerAddress {
  return addressIn(url, grpcPort, 'bad-answer');
}

/** A gRPC port that is not 0 goes before the one in the text. */
function addressIn(text: string, givenGrpcPort: number, code: SeaweedErrorCode): ServerAddress {
  const { host, port: digits, grpcPort: grpcDigits = '0' } = SERVER_ADDRESS.exec(text)?.groups ?? {};
  if (host === undefined || digits === undefined) {
    const message = `not an address of the form host:port or host:port.grpcPort: ${text}`;
    throw new SeaweedError(code, message);
  }
  const port = Number(digits);
  const grpcPort = givenGrpcPort || Number(grpcDigits) || port + GRPC_PORT_OFFSET;
  if (port === 0 || port > MAX_PORT || grpcPort > MAX_PORT)
    throw new SeaweedError(code, `no such port: ${host}:${port}.${grpcPort}`);
  return { httpAddress: `${host}:${port}`, grpcAddress: `${host}:${grpcPort}` };
}
