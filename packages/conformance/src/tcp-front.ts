import { connect, createServer, type Socket } from 'node:net';
import type { Direction, Front } from './subject.js';

/** A relay on loopback in front of `target`. */
export async function createTcpFront(target: string): Promise<Front> {
  const [host, port] = target.split(':') as [string, string];
  const carried: Record<Direction, number> = { up: 0, down: 0 };
  const limits: Record<Direction, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  const sockets = new Set<Socket>();
  let connections = 0;

  function drop(): void {
    for (const socket of sockets) socket.destroy();
  }

  function relay(from: Socket, to: Socket, direction: Direction): void {
    sockets.add(from);
    from.setNoDelay(true);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('error', () => from.destroy());
    from.on('data', (bytes: Buffer) => {
      const room = limits[direction] - carried[direction];
      const passed = bytes.subarray(0, room);
      carried[direction] += passed.length;
      if (passed.length < bytes.length) {
        to.write(passed, () => drop());
        from.pause();
      } else if (!to.write(passed)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => to.end());
  }

  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(Number(port), host);
    relay(client, upstream, 'up');
    relay(upstream, client, 'down');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');

  return {
    address: `127.0.0.1:${bound.port}`,
    carriedBytes: (direction) => carried[direction],
    cutAfter(direction, bytes) {
      limits[direction] = bytes;
    },
    drop,
    connectionCount: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}
