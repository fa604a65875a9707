import {
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { create, volumeServerPb as pb } from '@holdfast/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeSettings } from '../../src/http2/frame.js';
import { createGrpcTransport, type GrpcTransportOptions } from '../../src/index.js';

const { signal } = new AbortController();
const method = pb.VolumeServer.method.readNeedleBlob;
const request = create(pb.ReadNeedleBlobRequestSchema, {});
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A connection to a server of Node's own HTTP/2. */
async function connectTo(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  serverOptions: Parameters<typeof createHttp2Server>[0] = {},
) {
  const server = createHttp2Server(serverOptions);
  server.on('stream', (stream, headers) => {
    // A reset by the server itself is an error of its stream, too.
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  return connectWhere(server);
}

async function connectWhere(server: ReturnType<typeof createServer>, options: GrpcTransportOptions = {}) {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const connection = await createGrpcTransport(options).connect(`127.0.0.1:${port}`, {
    signal,
    timeoutMs: 5000,
  });
  closers.push(() => connection.close());
  return connection;
}

const grpc = { ':status': 200, 'content-type': 'application/grpc' };
const emptyMessage = Buffer.alloc(5);

function answer(stream: ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.respond(grpc, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(emptyMessage);
}

describe('a connection to any HTTP/2 server', () => {
  it('understands every text that a server can send, in whatever code it sends it', async () => {
    let text = '';
    const connection = await connectTo((stream) => {
      stream.respond(
        { ...grpc, 'grpc-status': '5', 'grpc-message': encodeURIComponent(text) },
        { endStream: true },
      );
    });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (sent) => {
        text = sent;
        await expect(connection.unary(method, request, { signal })).rejects.toMatchObject({
          code: 'not-found',
          message: sent,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('waits for its turn where a server takes one call at a time', async () => {
    let open = 0;
    let mostOpen = 0;
    const connection = await connectTo(
      (stream) => {
        mostOpen = Math.max(mostOpen, ++open);
        stream.on('close', () => {
          open -= 1;
        });
        stream.resume().on('end', () => answer(stream, { 'grpc-status': '0' }));
      },
      { settings: { maxConcurrentStreams: 1 } },
    );
    await Promise.all(Array.from({ length: 20 }, () => connection.unary(method, request, { signal })));
    expect(mostOpen).toBe(1);
  });

  it('sends a deadline with its call', async () => {
    let timeout: unknown;
    const connection = await connectTo((stream, headers) => {
      timeout = headers['grpc-timeout'];
      answer(stream, { 'grpc-status': '0' });
    });
    await connection.unary(method, request, { signal, timeoutMs: 1234 });
    expect(timeout).toBe('1234m');
  });

  it.each<[string, (stream: ServerHttp2Stream) => void, object]>([
    [
      'a status of HTTP',
      (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
      { code: 'unavailable' },
    ],
    [
      'a page',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      { code: 'unknown', message: expect.stringContaining('text/html') },
    ],
    [
      'no status',
      (stream) => {
        stream.respond(grpc);
        stream.end(emptyMessage);
      },
      { code: 'internal', message: expect.stringContaining('without a status') },
    ],
    [
      'half a message and success',
      (stream) => {
        stream.respond(grpc, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
      },
      { code: 'internal', message: expect.stringContaining('inside a message') },
    ],
    ['a number that is no status', (stream) => answer(stream, { 'grpc-status': 'x' }), { code: 'unknown' }],
    [
      'a reset',
      (stream) => stream.close(7),
      { code: 'unavailable', message: expect.stringContaining('REFUSED_STREAM') },
    ],
    ['a broken connection', (stream) => stream.session?.destroy(), { code: 'unavailable' }],
  ])('makes %s an error of its own', async (_name, respond, expected) => {
    const connection = await connectTo(respond);
    await expect(connection.unary(method, request, { signal, timeoutMs: 5000 })).rejects.toMatchObject(
      expected,
    );
  });

  it('says that a server speaks another protocol', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(connectWhere(server)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not speak HTTP/2 on this port'),
    });
  });

  it('gives up a server that no longer answers its pings', async () => {
    const server = createServer((socket) => {
      closers.push(() => socket.destroy());
      socket.on('error', () => undefined).resume();
      socket.write(encodeSettings([]));
    });
    const connection = await connectWhere(server, { keepaliveTimeMs: 20, keepaliveTimeoutMs: 20 });
    await expect(connection.closed).resolves.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no answer to a ping'),
    });
  });

  it('keeps one that does', async () => {
    let pings = 0;
    const http2 = createHttp2Server();
    http2.on('session', (session) => session.on('ping', () => void (pings += 1)));
    http2.on('stream', (stream: ServerHttp2Stream) => answer(stream, { 'grpc-status': '0' }));
    const connection = await connectWhere(http2, { keepaliveTimeMs: 10, keepaliveTimeoutMs: 500 });
    await expect.poll(() => pings, { timeout: 10_000 }).toBeGreaterThan(1);
    await connection.unary(method, request, { signal });
  });
});
