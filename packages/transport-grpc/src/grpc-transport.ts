import type { RpcServerTransport, RpcTransport } from '@holdfast/protocol';
import { connectGrpc } from './client/grpc-connection.js';
import { type GrpcTransportOptions, grpcSettings } from './grpc-options.js';

/** gRPC over HTTP/2, as a client and as a server. */
export function createGrpcTransport(options: GrpcTransportOptions = {}): RpcTransport & RpcServerTransport {
  const settings = grpcSettings(options);
  return {
    connect: (address, callOptions) => connectGrpc(address, settings, callOptions),
    async serve(address, services) {
      // Loading grpc-js takes longer than most command lines do, and only servers need it.
      const { serveGrpc } = await import('./server/grpc-server.js');
      return serveGrpc(address, services, settings);
    },
  };
}
