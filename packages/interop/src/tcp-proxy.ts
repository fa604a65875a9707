import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP address in front of another one: it counts what comes back, and can be a bad link. */
export interface TcpProxy {
  /** Bytes that the server has sent, framing included. */
  readonly receivedBytes: number;
  /** Resolves as soon as `receivedBytes` is at least that. */
  received(bytes: number): Promise<void>;
  /** Resets every connection that is open now. Gives how many they were. */
  cut(): number;
  /** Nothing passes any more, either way, on connections that are open now: they stay open and say nothing. */
  stall(): void;
  /** What was stalled passes again. */
  resume(): void;
  /** Bytes a second that the server's answers get from now on, of all connections together; `undefined`: no limit. */
  throttle(bytesPerSecond: number | undefined): void;
  close(): Promise<void>;
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** What a throttled link lets through at once. */
const PIECES_PER_SECOND = 50;

export async function startTcpProxy(listen: TcpAddress, target: TcpAddress): Promise<TcpProxy> {
  let receivedBytes = 0;
  let limit: number | undefined;
  /** When the link is free again, of `performance.now()`. */
  let busyUntilMs = 0;
  const waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  const sockets = new Set<Socket>();
  const stalled = new Set<Socket>();

  const tie = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      stalled.delete(from);
      to.destroy();
    });
    to.on('drain', () => {
      if (!stalled.has(from)) from.resume();
    });
  };

  const pass = (from: Socket, to: Socket, chunk: Buffer): void => {
    if (!to.destroyed && !to.write(chunk)) from.pause();
  };

  const count = (bytes: number): void => {
    receivedBytes += bytes;
    for (const one of waiting) {
      if (receivedBytes < one.bytes) continue;
      waiting.delete(one);
      one.resolve();
    }
  };

  /** Passes an answer on, piece by piece where the link is slow. */
  async function answer(upstream: Socket, client: Socket, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const pieceBytes = limit === undefined ? chunk.length : Math.ceil(limit / PIECES_PER_SECOND);
      const piece = chunk.subarray(at, at + pieceBytes);
      at += piece.length;
      if (limit !== undefined) {
        busyUntilMs = Math.max(busyUntilMs, performance.now()) + (1000 * piece.length) / limit;
        await sleep(busyUntilMs - performance.now());
      }
      while (stalled.has(upstream) && !upstream.destroyed) await sleep(10);
      count(piece.length);
      pass(upstream, client, piece);
    }
    if (!client.writableNeedDrain && !stalled.has(upstream)) upstream.resume();
  }

  const server = createServer((client) => {
    const upstream = connect(target);
    client.on('data', (chunk) => pass(client, upstream, chunk));
    let answered = Promise.resolve();
    upstream.on('data', (chunk) => {
      upstream.pause();
      answered = answered.then(() => answer(upstream, client, chunk));
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
    cut() {
      const cutNow = [...sockets];
      for (const socket of cutNow) socket.resetAndDestroy();
      return cutNow.length / 2;
    },
    stall() {
      for (const socket of sockets) {
        stalled.add(socket);
        socket.pause();
      }
    },
    resume() {
      const resumed = [...stalled];
      stalled.clear();
      for (const socket of resumed) socket.resume();
    },
    throttle(bytesPerSecond) {
      limit = bytesPerSecond;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
