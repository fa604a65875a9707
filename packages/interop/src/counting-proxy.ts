import { connect, createServer, type Socket } from 'node:net';

/** A TCP address in front of another one, which counts what comes back through it. */
export interface CountingProxy {
  /** Bytes that the server has sent, framing included. */
  readonly receivedBytes: number;
  /** Resolves as soon as `receivedBytes` is at least that. */
  received(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

export async function startCountingProxy(listen: TcpAddress, target: TcpAddress): Promise<CountingProxy> {
  let receivedBytes = 0;
  const waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  const sockets = new Set<Socket>();

  const tie = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(target);
    upstream.on('data', ({ length }) => {
      receivedBytes += length;
      for (const one of waiting) {
        if (receivedBytes < one.bytes) continue;
        waiting.delete(one);
        one.resolve();
      }
    });
    tie(client, upstream);
    tie(upstream, client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });

  return {
    get receivedBytes() {
      return receivedBytes;
    },
    received: (bytes) =>
      new Promise((resolve) => {
        if (receivedBytes >= bytes) resolve();
        else waiting.add({ bytes, resolve });
      }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
