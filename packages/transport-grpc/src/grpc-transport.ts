import type { RpcServerTransport, RpcTransport } from '@holdfast/protocol';
import { connectGrpc } from './grpc-connection.js';
import { type GrpcTransportOptions, grpcSettings } from './grpc-options.js';
import { serveGrpc } from './grpc-server.js';

/** gRPC over HTTP/2, as a client and as a server. */
export function createGrpcTransport(options: GrpcTransportOptions = {}): RpcTransport & RpcServerTransport {
  const settings = grpcSettings(options);
  return {
    connect: (address, callOptions) => connectGrpc(address, settings, callOptions),
    serve: (address, services) => serveGrpc(address, services, settings),
  };
}
