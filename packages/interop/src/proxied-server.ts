import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import type { WeedCluster, WeedServerOptions } from './weed-cluster.js';
import type { WeedVolumeServer } from './weed-volume-server.js';

/** A real volume server that the cluster knows by the address of two proxies. The harness' own calls go past them. */
export interface ProxiedServer {
  readonly server: WeedVolumeServer;
  readonly grpc: TcpProxy;
  readonly http: TcpProxy;
  /** The proxies; the server is the cluster's. */
  close(): Promise<void>;
}

/** `ip` is a loopback address that nothing else of the test listens at. */
export async function startProxiedServer(
  cluster: WeedCluster,
  ip = '127.0.0.2',
  options: WeedServerOptions = {},
): Promise<ProxiedServer> {
  const server = await cluster.addServer({ ...options, announcedIp: ip });
  const proxyOf = (address: string): Promise<TcpProxy> => {
    const [host, port] = address.split(':') as [string, string];
    return startTcpProxy({ host: ip, port: Number(port) }, { host, port: Number(port) });
  };
  const grpc = await proxyOf(server.grpcAddress);
  const http = await proxyOf(server.httpAddress);
  return {
    server,
    grpc,
    http,
    async close() {
      await Promise.all([grpc.close(), http.close()]);
    },
  };
}
