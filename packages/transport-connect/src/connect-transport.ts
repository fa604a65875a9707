import type { RpcServerTransport, RpcTransport } from '@holdfast/protocol';
import { connectOver } from './connect-connection.js';
import { type ConnectTransportOptions, connectSettings } from './connect-options.js';
import { serveConnect } from './connect-server.js';

/** gRPC, gRPC-Web or Connect over HTTP/2 as a client; all three on one port as a server. */
export function createConnectTransport(
  options: ConnectTransportOptions = {},
): RpcTransport & RpcServerTransport {
  const settings = connectSettings(options);
  return {
    connect: (address, callOptions) => connectOver(address, settings, callOptions),
    serve: (address, services) => serveConnect(address, services, settings),
  };
}
