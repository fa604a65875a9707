import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type HttpHandler, type HttpListenerLimits, listenHttp } from '../../src/serve/http-listener.js';

/** Short, so that a test sees them end what they are to end. */
const limits: Partial<HttpListenerLimits> = {
  headersTimeoutMs: 200,
  requestTimeoutMs: 500,
  idleTimeoutMs: 2_000,
};

async function listen(handle: HttpHandler, own: Partial<HttpListenerLimits> = {}) {
  const listener = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    handlerAt: () => handle,
    limits: { ...limits, ...own },
  });
  return { ...listener, [Symbol.asyncDispose]: listener.close };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Reads the whole of a request, as an upload is read. */
const swallow: HttpHandler = async (request) => {
  const { length } = new Uint8Array(await request.arrayBuffer());
  return new Response(`${length}`);
};

/** Everything that comes on a socket until it is closed. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  // A reset is an end, too.
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

async function say(port: number, ...lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(lines.join('\r\n'));
  return untilClosed(socket);
}

test('a connection that says nothing, or drips its headers, is ended by limit', async () => {
  await using server = await listen(swallow);
  expect(await say(server.port)).toMatch(/^(HTTP\/1\.1 408 .*)?/);
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => socket.write('x-slow: 1\r\n'), 50);
  const said = await untilClosed(socket);
  clearInterval(drip);
  expect(said).toMatch(/^HTTP\/1\.1 408 /);
});

test('an upload that drips on and on is ended by limit', async () => {
  await using server = await listen(swallow);
  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  const drip = setInterval(() => socket.write('x'), 50);
  const said = await untilClosed(socket);
  clearInterval(drip);
  expect(said).toMatch(/^HTTP\/1\.1 408 /);
});

test('what is no HTTP is answered with 400, headers without end with 431, and the next client is served', async () => {
  await using server = await listen(swallow);
  const malformed: readonly (readonly string[])[] = [
    ['nonsense', '', ''],
    ['GET / HTTP/9.9', 'Host: x', '', ''],
    ['G\0T / HTTP/1.1', 'Host: x', '', ''],
    ['GET / HTTP/1.1', 'Host: x', 'no colon', '', ''],
    ['GET / HTTP/1.1', 'Host: x', 'bad\0name: 1', '', ''],
    ['GET / HTTP/1.1', '', ''],
    ['POST / HTTP/1.1', 'Host: x', 'Content-Length: nine', '', ''],
    ['POST / HTTP/1.1', 'Host: x', 'Content-Length: -1', '', ''],
    ['POST / HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2', '', ''],
    ['POST / HTTP/1.1', 'Host: x', 'Content-Length: 3', 'Transfer-Encoding: chunked', '', '0', '', ''],
    ['POST / HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', 'zz', '', ''],
    ['\x16\x03\x01\x02\0\x01\0\x01\xfc', '', ''],
  ];
  for (const lines of malformed)
    expect([lines, (await say(server.port, ...lines)).slice(0, 13)]).toEqual([lines, 'HTTP/1.1 400 ']);
  const endless = ['GET / HTTP/1.1', 'Host: x', `x-long: ${'x'.repeat(200 * 1024)}`, '', ''];
  expect(await say(server.port, ...endless)).toMatch(/^HTTP\/1\.1 431 /);
  const response = await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'four' });
  expect(await response.text()).toBe('4');
});

test('thousands of headers within the bytes are all heard', async () => {
  await using server = await listen(async (asked) => new Response(asked.headers.get('x-2500')));
  const fields = Array.from({ length: 2501 }, (_, at) => `x-${at}: ${at}`);
  const said = await say(server.port, 'GET / HTTP/1.1', 'Host: x', 'Connection: close', ...fields, '', '');
  expect(said).toMatch(/2500$/);
});

test('more connections than the limit are closed unanswered', async () => {
  await using server = await listen(swallow, {
    connections: 2,
    headersTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
  });
  const held = [connect(server.port, '127.0.0.1'), connect(server.port, '127.0.0.1')];
  for (const socket of held) socket.on('error', () => {});
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  expect(await say(server.port, 'GET / HTTP/1.1', 'Host: x', '', '')).toBe('');
  for (const socket of held) socket.destroy();
});

test('a handler hears the address of the peer, and a client that leaves aborts its request', async () => {
  let heard = '';
  let left: Promise<unknown> | undefined;
  const arrived = deferred<void>();
  await using server = await listen(async (asked, peer) => {
    heard = peer.address;
    left = once(asked.signal, 'abort');
    arrived.resolve();
    await left;
    return new Response('too late');
  });
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived.promise;
  expect(heard).toBe('127.0.0.1');
  socket.destroy();
  await left;
});

test.each([{}, { 'content-length': '2000' }, { 'content-length': '1025' }])(
  'a body that fails does not end as if it were whole, with %j',
  async (headers) => {
    await using server = await listen(async () => {
      let pieces = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (pieces++ === 0) controller.enqueue(new Uint8Array(1000));
          else controller.error(new Error('the bytes are bad'));
        },
      });
      return new Response(body, { headers });
    });
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    await expect(response.arrayBuffer()).rejects.toThrow();
    const said = await say(server.port, 'GET / HTTP/1.1', 'Host: x', '', '');
    expect(said).not.toMatch(/\r\n0\r\n|Error/);
  },
);

test('closing answers what is under way, takes nothing new and waits for no idle connection', async () => {
  const arrived = deferred<void>();
  const answer = deferred<Response>();
  const server = await listen(async () => {
    arrived.resolve();
    return answer.promise;
  });
  const agent = new Agent({ keepAlive: true });
  const asked = request({ port: server.port, host: '127.0.0.1', agent }).end();
  const idle = connect(server.port, '127.0.0.1');
  await Promise.all([arrived.promise, once(idle, 'connect')]);
  const closed = server.close();
  await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow();
  answer.resolve(new Response('the answer'));
  const [response] = await once(asked, 'response');
  expect((await response.toArray()).join('')).toBe('the answer');
  await closed;
  agent.destroy();
});

test('a port that is taken is told', async () => {
  await using server = await listen(swallow);
  const again = listenHttp({
    host: '127.0.0.1',
    port: server.port,
    tls: undefined,
    handlerAt: () => swallow,
  });
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
