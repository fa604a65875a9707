import { SeaweedError } from './errors.js';

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
  const { host, port, grpcPort } = SERVER_ADDRESS.exec(text)?.groups ?? {};
  if (host === undefined || port === undefined) {
    throw new SeaweedError(
      'bad-address',
      `not an address of the form host:port or host:port.grpcPort: ${text}`,
    );
  }
  return serverAddress(host, Number(port), grpcPort === undefined ? 0 : Number(grpcPort));
}

/** An address out of a `Location`, `VolumeLocation` or `DataNodeInfo`: `host:port` and a gRPC port, 0 if not given. */
export function locationAddress(url: string, grpcPort: number): ServerAddress {
  const { httpAddress, grpcAddress } = parseServerAddress(url);
  if (grpcPort === 0) return { httpAddress, grpcAddress };
  const colon = httpAddress.lastIndexOf(':');
  return serverAddress(httpAddress.slice(0, colon), Number(httpAddress.slice(colon + 1)), grpcPort);
}

function serverAddress(host: string, port: number, givenGrpcPort: number): ServerAddress {
  const grpcPort = givenGrpcPort === 0 ? port + GRPC_PORT_OFFSET : givenGrpcPort;
  if (port === 0 || port > MAX_PORT || grpcPort > MAX_PORT) {
    throw new SeaweedError('bad-address', `no such port: ${host}:${port}.${grpcPort}`);
  }
  return { httpAddress: `${host}:${port}`, grpcAddress: `${host}:${grpcPort}` };
}
