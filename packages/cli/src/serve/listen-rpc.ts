import type { RpcListener, RpcServerTlsOptions, RpcService } from '@holdfast/protocol';
import { createConnectTransport } from '@holdfast/transport-connect';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { UsageError } from '../usage-error.js';

export interface RpcAddress {
  readonly host: string;
  readonly port: number;
}

/** Listens by gRPC alone, or by Connect's three protocols. Fails with `UsageError` where the port cannot be had. */
export async function listenRpc(
  kind: 'grpc' | 'connect',
  { host, port }: RpcAddress,
  serverTls: RpcServerTlsOptions | undefined,
  services: readonly RpcService[],
): Promise<RpcListener> {
  const options = serverTls === undefined ? {} : { serverTls };
  const transport = kind === 'grpc' ? createGrpcTransport(options) : createConnectTransport(options);
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    return await transport.serve(address, services);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new UsageError(`${address} cannot be listened on: ${reason}; take a free --grpc-port`, { cause });
  }
}

/** The port of a listener's address. */
export function portOf({ address }: RpcListener): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
