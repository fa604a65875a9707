import { createSeededRandom } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { directory, expectSound } from '../needles/machine.js';
import { bytesOf, FORM, formBody, inPieces, newRig, put, upload } from './rig.js';

const GOOD = '/7,01aabbccdd';

/** Nothing that is asked changes the volume. */
async function unchanged(options: Parameters<typeof newRig>[0] = {}) {
  const rig = await newRig(options);
  await rig.ask(GOOD, put('kept'));
  const before = rig.env.disk.peek(`${directory}/7.dat`);
  return {
    ...rig,
    async expectUnchanged() {
      expect(Buffer.from(rig.env.disk.peek(`${directory}/7.dat`)).equals(before)).toBe(true);
      expect(rig.env.disk.files().filter((path) => path.includes('/uploads/'))).toEqual([]);
      await rig.store.close();
      await expectSound(rig.env);
    },
  };
}

describe('paths', () => {
  const bad = [
    '/',
    '/7',
    '/7,',
    '/7,zz',
    '/7,0101',
    '/x,01aabbccdd',
    '/7,01aabbccdd/x/y',
    '/7,01aabbccdd/x',
    '/a/7,01aabbccdd',
    '/99999999999,01aabbccdd',
    '/7,0123456789abcdef012345678',
    '/7,01aabbccdd_',
    '/7,01aabbccdd_x',
    '/-7,01aabbccdd',
    '/7/01aabbccdd/%ff',
    '/7,01aabbccdd%00',
    '/favicon.ico',
  ];
  test.each(bad)('%s is 400 for every method', async (path) => {
    const { ask, expectUnchanged } = await unchanged();
    const got = await ask(path);
    expect([got.status, await got.text()]).toEqual([400, '']);
    for (const init of [put('x'), upload({ data: 'x' }), { method: 'DELETE' }]) {
      const answer = await ask(path, init);
      expect(answer.status).toBe(400);
      expect(((await answer.json()) as { error: string }).error).toMatch(/^Invalid fid: /);
    }
    await expectUnchanged();
  });

  test('any path gets an answer', async () => {
    const { ask, expectUnchanged } = await unchanged();
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.constantFrom('GET', 'HEAD', 'DELETE'), async (path, method) => {
        const { status } = await ask(`/${path}`, { method });
        expect([200, 400, 404]).toContain(status);
      }),
    );
    await expectUnchanged();
  });

  test('a volume that is not here', async () => {
    const { ask, expectUnchanged } = await unchanged();
    expect((await ask('/8,01aabbccdd')).status).toBe(404);
    const written = await ask('/8,01aabbccdd', put('x'));
    expect([written.status, await written.json()]).toEqual([500, { error: 'volume 8 not found' }]);
    const deleted = await ask('/8,01aabbccdd', { method: 'DELETE' });
    expect([deleted.status, await deleted.json()]).toEqual([404, { size: 0 }]);
    const patched = await ask(GOOD, { method: 'PATCH' });
    expect([patched.status, await patched.json()]).toEqual([400, { error: 'unsupported method PATCH' }]);
    await expectUnchanged();
  });
});

describe('forms', () => {
  const whole = Buffer.from(formBody({ fileName: 'a.bin', data: 'some data' }));
  const form = (body: Uint8Array | string) => ({
    method: 'POST',
    headers: FORM,
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });

  test('that end early are 400, wherever they end', async () => {
    const { ask, expectUnchanged } = await unchanged();
    const end = whole.lastIndexOf('--') + 2;
    for (let at = 0; at < end; at++) {
      const answer = await ask('/7,02aabbccdd', form(whole.subarray(0, at)));
      expect([at, answer.status]).toEqual([at, 400]);
    }
    await expectUnchanged();
  });

  test.each([
    ['no Content-Type', { method: 'POST', body: new Uint8Array(3) }],
    ['no boundary', { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'x' }],
    ['no part', form('--a-boundary--\r\n')],
    ['no form', form('just text')],
    ['a header that is none', form('--a-boundary\r\nNo Header\r\n\r\nx\r\n--a-boundary--\r\n')],
    [
      'a file name that cannot be decoded',
      form(
        `--a-boundary\r\nContent-Disposition: form-data; name="f"; filename*=utf-8''%zz\r\n\r\nx\r\n--a-boundary--\r\n`,
      ),
    ],
    [
      'a header without an end',
      form(`--a-boundary\r\nX: ${'x'.repeat(20_000)}\r\n\r\nx\r\n--a-boundary--\r\n`),
    ],
    ['too many headers', form(`--a-boundary\r\n${'X: x\r\n'.repeat(200)}\r\nx\r\n--a-boundary--\r\n`)],
    ['too many parts', form(formBody(...Array.from({ length: 101 }, () => ({ data: 'x' }))))],
    ['too much before it', inPieces('POST', endless('x'), FORM)],
    ['too much behind it', inPieces('POST', endless('x', whole), FORM)],
    [
      'too much beside the file',
      inPieces(
        'POST',
        endless('x', whole.subarray(0, -4), Buffer.from('\r\nContent-Type: a/b\r\n\r\n')),
        FORM,
      ),
    ],
  ])('with %s are 400', async (_what, init) => {
    const { ask, expectUnchanged } = await unchanged();
    const answer = await ask('/7,02aabbccdd', init);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toHaveProperty('error');
    await expectUnchanged();
  });

  test('of any bytes get an answer', async () => {
    const { ask } = await newRig();
    const random = createSeededRandom(11);
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from(whole);
      for (let changes = 0; changes < 3; changes++)
        bytes[Math.floor(random.nextFloat() * bytes.length)] = Math.floor(random.nextFloat() * 256);
      const { status } = await ask(`/7,${(i + 16).toString(16).padStart(4, '0')}aabbccdd`, form(bytes));
      expect([201, 400]).toContain(status);
    }
  });
});

describe('limits', () => {
  const limits = { uploadBytes: 1000, headerBytes: 2000 };

  test.each([
    ['raw', put(new Uint8Array(1001))],
    ['in pieces', inPieces('PUT', [new Uint8Array(600), new Uint8Array(600)], {})],
    ['announced', { ...put(''), headers: { 'content-length': '300000' }, body: null }],
    ['a form', upload({ fileName: 'a', data: new Uint8Array(1001) })],
    ['endless', inPieces('PUT', endless('x'), {})],
    ['an endless form', inPieces('POST', endless('x', formStart()), FORM)],
  ])('an upload that is too long is 413: %s', async (_what, init) => {
    const { ask, expectUnchanged } = await unchanged({ limits });
    const answer = await ask('/7,02aabbccdd', init);
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close']);
    await expectUnchanged();
  });

  test('gzip that unpacks to too much is 413', async () => {
    const { gzipSync } = await import('node:zlib');
    const { ask, expectUnchanged } = await unchanged({ limits });
    const bomb = gzipSync(new Uint8Array(100_000));
    expect((await ask('/7,02aabbccdd', put(bomb, { 'content-encoding': 'gzip' }))).status).toBe(413);
    await expectUnchanged();
  });

  test('header fields that are too long are 431', async () => {
    const { ask, expectUnchanged } = await unchanged({ limits });
    expect((await ask('/7,02aabbccdd', put('x', { 'seaweed-a': 'x'.repeat(2000) }))).status).toBe(431);
    await expectUnchanged();
  });

  test.each([
    ['of a long body', {}],
    ['of a short one', { 'content-length': '5' }],
  ])('a body of which no more comes ends after a minute: %s', async (_what, headers) => {
    const { ask, env, expectUnchanged } = await unchanged();
    let send: (byte: Uint8Array) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (byte) => controller.enqueue(byte);
      },
    });
    const answering = ask('/7,02aabbccdd', { method: 'PUT', headers, body, duplex: 'half' } as RequestInit);
    let answer: Response | undefined;
    answering.then((come) => (answer = come));
    send(Uint8Array.of(1));
    await env.time.advance(50_000);
    expect(answer).toBeUndefined();
    if (!('content-length' in headers)) {
      send(Uint8Array.of(2));
      await env.time.advance(50_000);
      expect(answer).toBeUndefined();
    }
    await env.time.advance(30_000);
    expect(answer?.status).toBe(408);
    expect(env.time.sleeping).toBe(0);
    await expectUnchanged();
  });

  test('an answer that nobody takes ends after a minute, and holds no file', async () => {
    const { ask, env, store } = await newRig();
    await ask(GOOD, put(createSeededRandom(1).bytes(900_000)));
    const reader = (await ask(GOOD)).body!.getReader();
    expect((await reader.read()).done).toBe(false);
    await env.time.advance(100_000);
    await expect(reader.read()).rejects.toThrow('took nothing for too long');
    expect(env.time.sleeping).toBe(0);
    await store.close();
  });
});

describe('numbers and words', () => {
  test('ts, ttl and pairs that are none count as none', async () => {
    const { ask, store } = await newRig();
    const now = Math.trunc(1_700_000_000_000 / 1000);
    for (const [i, query] of [
      'ts=-5',
      'ts=x',
      'ts=',
      'ts=1e3',
      'ts=99999999999999999999',
      'ttl=zz',
      'ttl=-1d',
    ].entries()) {
      const path = `/7,${(i + 1).toString(16).padStart(2, '0')}aabbccdd`;
      expect((await ask(`${path}?${query}`, put('x'))).status).toBe(201);
      const needle = await store.find(7)!.open(BigInt(i + 1));
      expect([query, needle.meta.lastModifiedSeconds, needle.meta.ttl]).toEqual([query, now, undefined]);
      await needle.close();
    }
    await ask('/7,20aabbccdd?ts=1099511627777', put('x'));
    expect((await ask('/7,20aabbccdd')).headers.get('last-modified')).toBe('Thu, 01 Jan 1970 00:00:01 GMT');
  });

  test('a name or a type that is too long is not kept, nor are pairs', async () => {
    const { ask, store } = await newRig();
    const long = { fileName: 'n'.repeat(256), contentType: `a/${'x'.repeat(300)}`, data: 'x' };
    const answer = await ask('/7,01aabbccdd', upload(long, { 'seaweed-a': 'x'.repeat(70_000) }));
    expect(await answer.json()).toEqual({ size: 1, eTag: expect.any(String) });
    const { meta } = await store.find(7)!.open(1n);
    expect([meta.name, meta.mime, meta.pairs]).toEqual([undefined, undefined, undefined]);
    await ask('/7,02aabbccdd', upload({ ...long, fileName: 'n'.repeat(255) }));
    expect((await ask('/7,02aabbccdd')).headers.get('content-disposition')).toContain('n'.repeat(255));
  });

  test('stored pairs cannot break the answer apart', async () => {
    const { ask, store } = await newRig();
    const pairs = JSON.stringify({
      'content-length': '1',
      'Transfer-Encoding': 'chunked',
      'bad name': 'x',
      split: 'a\r\nb: c',
      number: 5,
      ETag: '"mine"',
      fine: 'yes',
    });
    await store.find(7)!.write({
      content: { needleId: 1n, cookie: 0xaabbccdd, pairs, name: 'a\r\nb' },
      data: Buffer.from('data'),
    });
    const got = await ask('/7,01aabbccdd');
    expect(Object.fromEntries(got.headers)).toEqual({
      'accept-ranges': 'bytes',
      'content-disposition': "inline; filename*=utf-8''a%0D%0Ab",
      'content-length': '4',
      'content-type': 'text/plain; charset=utf-8',
      etag: '"mine"',
      fine: 'yes',
    });
    await store
      .find(7)!
      .write({ content: { needleId: 2n, cookie: 0xaabbccdd, pairs: 'no json' }, data: Buffer.from('data') });
    expect(await (await ask('/7,02aabbccdd')).text()).toBe('data');
  });
});

describe('damage', () => {
  test.each([
    ['short', 1000],
    ['long', 700_000],
  ])('of a %s needle never ends as a whole answer', async (_name, size) => {
    const { ask, env, store } = await newRig();
    await ask(GOOD, put(createSeededRandom(1).bytes(size)));
    env.disk.flip(`${directory}/7.dat`, size / 2, 3);
    const read = async (headers: Record<string, string>) => {
      const answer = await ask(GOOD, { headers });
      if (answer.status === 500) return 500;
      return bytesOf(answer).then(
        (bytes) => `whole, ${bytes.length} bytes`,
        () => 'torn',
      );
    };
    const ends = size === 1000 ? 500 : 'torn';
    for (const range of ['', 'bytes=0-99', 'bytes=5-9,20-29', `bytes=${size - 10}-`])
      expect([range, await read(range === '' ? {} : { range })]).toEqual([range, ends]);
    await store.close();
  });

  test('of gzip that does not unpack is 500', async () => {
    const { ask, store } = await newRig();
    const data = Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    await ask(GOOD, put(data, { 'content-encoding': 'gzip' }));
    const got = await ask(GOOD);
    expect([got.status, await got.text()]).toEqual([500, 'the stored gzip does not unpack']);
    await ask(
      '/7,02aabbccdd',
      put(Buffer.concat([data, createSeededRandom(1).bytes(600_000)]), { 'content-encoding': 'gzip' }),
    );
    expect((await ask('/7,02aabbccdd')).status).toBe(500);
    await store.close();
  });

  test('of the disk, while it is written, leaves the volume as it was', async () => {
    const { ask, env, expectUnchanged } = await unchanged();
    env.disk.inject(({ kind }) => (kind === 'write' ? 'no-space' : undefined));
    const answer = await ask('/7,02aabbccdd', put('x'));
    expect(answer.status).toBe(500);
    expect(((await answer.json()) as { error: string }).error).toMatch(/^failed to write to local disk: /);
    env.disk.inject(undefined);
    await expectUnchanged();
  });

  test('an upload that breaks off is not stored', async () => {
    const { ask, expectUnchanged } = await unchanged();
    const broken = (async function* () {
      yield new Uint8Array(3_000_000);
      throw new Error('gone');
    })();
    expect((await ask('/7,02aabbccdd', inPieces('PUT', broken, {}))).status).toBe(400);
    expect((await ask('/7,02aabbccdd')).status).toBe(404);
    await expectUnchanged();
  });
});

function formStart(): Uint8Array {
  const whole = Buffer.from(formBody({ fileName: 'a.bin', data: '' }));
  return whole.subarray(0, whole.indexOf('\r\n\r\n') + 4);
}

function* endless(text: string, ...first: readonly Uint8Array[]): Generator<Uint8Array> {
  yield* first;
  const piece = Buffer.from(text.repeat(10_000));
  for (let i = 0; i < 1_000_000; i++) yield piece;
}
