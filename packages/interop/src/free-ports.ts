import { type AddressInfo, createServer } from 'node:net';

/** So many ports of the loopback interface that nobody has now, and that nobody but luck keeps free. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const GRPC_PORT_DISTANCE = 10_000;
const GREATEST_PORT = 65_535;

/** A port for HTTP, and the one that SeaweedFS takes for gRPC beside it where nobody says another: 10,000 further. */
export async function freePortPair(): Promise<readonly [port: number, grpcPort: number]> {
  for (;;) {
    const [port] = (await freePorts(1)) as [number];
    const grpcPort = port + GRPC_PORT_DISTANCE;
    if (grpcPort <= GREATEST_PORT && (await isFree(grpcPort))) return [port, grpcPort];
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
