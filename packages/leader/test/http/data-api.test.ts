import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { expectSound, text } from '../needles/machine.js';
import { bytesOf, FORM, formBody, newRig, put, upload } from './rig.js';

const PROSE = 'It is a text that repeats itself. '.repeat(100);

describe('a file that is uploaded', () => {
  test('comes back by every form of its id, with what was said of it', async () => {
    const { ask, store, env } = await newRig();
    const init = upload(
      { fileName: 'dir/a picture.png', contentType: 'image/webp', data: 'not really' },
      { 'seaweed-owner': 'n\xc3\xa9 <me>', 'seaweed-x-long-name': '1' },
    );
    const answer = await ask('/7,01aabbccdd?ts=1600000000&ttl=3w', init);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"e2c9df68"');
    expect(await answer.json()).toEqual({
      name: 'a picture.png',
      size: 10,
      eTag: 'e2c9df68',
      mime: 'image/webp',
    });
    for (const path of ['/7,01aabbccdd', '/7/01AABBCCDD', '/7,01aabbccdd.png', '/7,00aabbccdd_1']) {
      const got = await ask(path);
      expect([got.status, await got.text()]).toEqual([200, 'not really']);
      expect(Object.fromEntries(got.headers)).toEqual({
        'accept-ranges': 'bytes',
        'content-disposition': 'inline; filename="a picture.png"',
        'content-length': '10',
        'content-type': 'image/webp',
        etag: '"e2c9df68"',
        'last-modified': 'Sun, 13 Sep 2020 12:26:40 GMT',
        owner: 'n\xc3\xa9 <me>',
        'x-long-name': '1',
      });
    }
    const named = await ask('/7/01aabbccdd/%C3%A9.txt?dl=true');
    expect(named.headers.get('content-disposition')).toBe("attachment; filename*=utf-8''%C3%A9.txt");
    const needle = await store.find(7)!.open(1n);
    expect(new TextDecoder().decode(needle.meta.pairs)).toBe(
      '{"Owner":"né \\u003cme\\u003e","X-Long-Name":"1"}',
    );
    expect(needle.meta).toMatchObject({ ttl: { count: 3, unit: 4 }, flags: 0x3e });
    await needle.close();
    await store.close();
    await expectSound(env);
  });

  test('HEAD tells the same as GET, without the bytes', async () => {
    const { ask } = await newRig();
    await ask('/7,01aabbccdd', put('hello', { 'content-type': 'text/plain' }));
    const [get, head] = [await ask('/7,01aabbccdd'), await ask('/7,01aabbccdd', { method: 'HEAD' })];
    expect(head.status).toBe(200);
    expect([...head.headers]).toEqual([...get.headers]);
    expect(await head.text()).toBe('');
  });

  test('the same again changes nothing: 204; other data with another cookie are refused', async () => {
    const { ask, store } = await newRig();
    await ask('/7,01aabbccdd', put('hello'));
    const before = store.find(7)!.status();
    const again = await ask('/7,01aabbccdd', put('hello'));
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([204, '"9a71bb4c"', '']);
    const other = await ask('/7,01aabbccde', put('hello'));
    expect(other.status).toBe(500);
    expect(await other.json()).toEqual({
      error: 'failed to write to local disk: mismatching cookie aabbccde',
    });
    expect(store.find(7)!.status()).toMatchObject({ datSizeBytes: before.datSizeBytes });
    expect((await ask('/7,01aabbccde')).status).toBe(404);
  });

  test('is deleted: 202 and its size, then 404; the deleted one can be asked for', async () => {
    const { ask } = await newRig();
    await ask('/7,01aabbccdd', put('hello'));
    const wrong = await ask('/7,01aabbccde', { method: 'DELETE' });
    expect([wrong.status, await wrong.json()]).toEqual([
      400,
      { error: 'File Random Cookie does not match.' },
    ]);
    const gone = await ask('/7,01aabbccdd', { method: 'DELETE' });
    expect(gone.status).toBe(202);
    expect(((await gone.json()) as { size: number }).size).toBeGreaterThan(5);
    expect((await ask('/7,01aabbccdd')).status).toBe(404);
    expect(await (await ask('/7,01aabbccdd?readDeleted=true')).text()).toBe('hello');
    const again = await ask('/7,01aabbccdd', { method: 'DELETE' });
    expect([again.status, await again.json()]).toEqual([404, { size: 0 }]);
  });

  test('an empty file is one', async () => {
    const { ask } = await newRig();
    const answer = await ask('/7,01aabbccdd', upload({ fileName: 'none', data: '' }));
    expect([answer.status, await answer.json()]).toEqual([201, { name: 'none', eTag: '00000000' }]);
    const got = await ask('/7,01aabbccdd');
    expect([got.status, got.headers.get('content-length'), await got.text()]).toEqual([200, '0', '']);
    expect((await ask('/7,01aabbccdd', { headers: { range: 'bytes=0-0' } })).status).toBe(416);
  });
});

describe('gzip', () => {
  test('text is packed where it saves something, and given out as the client likes it', async () => {
    const { ask, store } = await newRig();
    const answer = await ask('/7,01aabbccdd', upload({ fileName: 'a.txt', data: PROSE }));
    expect(await answer.json()).toMatchObject({ size: PROSE.length, mime: 'text/plain; charset=utf-8' });
    expect((await store.find(7)!.open(1n)).meta.isCompressed).toBe(true);
    const plain = await ask('/7,01aabbccdd');
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toBe(PROSE);
    const packed = await ask('/7,01aabbccdd', { headers: { 'accept-encoding': 'br, gzip;q=0.5' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(await bytesOf(packed)).toString()).toBe(PROSE);
    const refused = await ask('/7,01aabbccdd', { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(await refused.text()).toBe(PROSE);
    const part = await ask('/7,01aabbccdd', { headers: { range: 'bytes=3-6' } });
    expect([part.status, await part.text()]).toEqual([206, PROSE.slice(3, 7)]);
    expect(part.headers.get('content-range')).toBe(`bytes 3-6/${PROSE.length}`);
  });

  test('short text and pictures stay as they are', async () => {
    const { ask, store } = await newRig();
    await ask('/7,01aabbccdd', upload({ fileName: 'a.txt', data: 'short' }));
    await ask('/7,02aabbccdd', upload({ fileName: 'a.png', contentType: 'image/png', data: PROSE }));
    for (const id of [1n, 2n]) expect((await store.find(7)!.open(id)).meta.isCompressed).toBe(false);
  });

  test('what a client packed is kept so, and its size told unpacked', async () => {
    const { ask } = await newRig();
    const data = gzipSync(PROSE);
    const form = upload({ fileName: 'a.txt', contentEncoding: 'gzip', data });
    const answer = await ask('/7,01aabbccdd', form);
    expect(await answer.json()).toMatchObject({ size: PROSE.length });
    expect(await (await ask('/7,01aabbccdd')).text()).toBe(PROSE);
    await ask('/7,02aabbccdd', put('no gzip at all', { 'content-encoding': 'gzip' }));
    expect(await (await ask('/7,02aabbccdd')).text()).toBe('no gzip at all');
  });
});

describe('checks of an upload', () => {
  test('its MD5 is compared with the unpacked content', async () => {
    const { ask, store } = await newRig();
    const md5 = 'XrY7u+Ae7tCTyyK7j1rNww==';
    const right = await ask('/7,01aabbccdd', put('hello world', { 'content-md5': md5 }));
    expect(await right.json()).toMatchObject({ contentMd5: md5 });
    expect(right.headers.get('content-md5')).toBe(md5);
    const packed = put(gzipSync('hello world'), { 'content-md5': md5, 'content-encoding': 'gzip' });
    expect((await ask('/7,02aabbccdd', packed)).status).toBe(201);
    const wrong = await ask('/7,03aabbccdd', put('hello', { 'content-md5': md5 }));
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toEqual({
      error: `Content-MD5 did not match md5 of file data expected [${md5}] received [XUFAKrxLKna5cZ2REBfFkg==] size 5`,
    });
    expect(store.find(7)!.status().liveNeedles).toBe(2);
  });

  test('of a form the first named part counts', async () => {
    const { ask } = await newRig();
    const parts = [
      { data: 'a field' },
      { fileName: 'b.bin', contentType: 'image/png', data: 'the file' },
      { fileName: 'c.bin', data: 'another' },
    ];
    const answer = await ask('/7,01aabbccdd', { method: 'POST', headers: FORM, body: formBody(...parts) });
    expect(await answer.json()).toMatchObject({ name: 'b.bin', size: 8, mime: 'image/png' });
    const nameless = await ask('/7,02aabbccdd', upload({ data: text('only this') }));
    expect(await nameless.json()).toMatchObject({ size: 9 });
    expect(await (await ask('/7,02aabbccdd')).text()).toBe('only this');
  });
});

describe('a server', () => {
  test('tells of its volumes', async () => {
    const { ask, store } = await newRig({ version: 'one' });
    await ask('/7,01aabbccdd', put('hello'));
    await store.allocate({ volumeId: 3, collection: 'pictures' });
    expect(await (await ask('/status')).json()).toMatchObject({
      Version: 'one',
      Volumes: [
        { Id: 3, Collection: 'pictures', Size: 8, FileCount: 0 },
        {
          Id: 7,
          Collection: '',
          FileCount: 1,
          DeleteCount: 0,
          CompactRevision: 0,
          ReadOnly: false,
          Version: 3,
        },
      ],
    });
    expect((await ask('/healthz')).status).toBe(200);
    const preflight = await ask('/7,01aabbccdd', { method: 'OPTIONS' });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('PUT, POST, GET, DELETE, OPTIONS');
    const fromPage = { headers: { origin: 'http://a.page' } };
    for (const path of ['/7,01aabbccdd', '/7,02aabbccdd', '/status'])
      expect((await ask(path, fromPage)).headers.get('access-control-allow-origin')).toBe('*');
    expect((await ask('/7,01aabbccdd')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('without writes only reads', async () => {
    const { ask, store, http } = await newRig();
    await ask('/7,01aabbccdd', put('hello'));
    const { createDataApi } = await import('../../src/index.js');
    const api = createDataApi({ env: http, reads: store });
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await api(new Request('http://volume.test/7,01aabbccdd', { method }), { address: '' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    }
    const got = await api(new Request('http://volume.test/7,01aabbccdd'), { address: '' });
    expect(await got.text()).toBe('hello');
  });

  test('asks its guard before it reads anything', async () => {
    const asked: unknown[] = [];
    const { ask, store } = await newRig({
      guard({ kind, fid, peer }) {
        asked.push([kind, fid, peer.address]);
        return kind === 'write' ? Response.json({ error: 'wrong jwt' }, { status: 401 }) : undefined;
      },
    });
    expect((await ask('/7,0001aabbccdd_3.txt', put('hello'))).status).toBe(401);
    expect((await ask('/7/01aabbccdd/name')).status).toBe(404);
    expect((await ask('/status')).status).toBe(200);
    expect(asked).toEqual([
      ['write', '7,0001aabbccdd', '127.0.0.1'],
      ['read', '7,01aabbccdd', '127.0.0.1'],
    ]);
    expect(store.find(7)!.status().liveNeedles).toBe(0);
  });
});
