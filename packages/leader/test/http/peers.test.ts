import { gzipSync } from 'node:zlib';
import { parseReplicaPlacement } from '@holdfast/format';
import { createSeededRandom } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import type { DataApiOptions, Peers } from '../../src/index.js';
import { newMachine, openStore } from '../needles/machine.js';
import { bytesOf, type HttpRig, inPieces, PEER, put, rigOf, upload } from './rig.js';

const LONG = createSeededRandom(6).bytes(1_300_000);
const PROSE = 'It is a text that repeats itself. '.repeat(100);

interface Network {
  readonly servers: Map<string, HttpRig>;
  /** What was asked of each server, as `address METHOD target`. */
  readonly asked: string[];
  readonly headers: Headers[];
  server(
    address: string,
    volumes: Readonly<Record<number, string>>,
    more?: Partial<DataApiOptions>,
  ): Promise<HttpRig>;
}

/** Servers that find each other's volumes and speak without a socket. */
function network(): Network {
  const servers = new Map<string, HttpRig>();
  const asked: string[] = [];
  const headers: Headers[] = [];
  const peersOf = (own: string): Peers => ({
    async locate(volumeId) {
      const having = [...servers].filter(([address, { store }]) => address !== own && store.find(volumeId));
      return having.map(([address]) => ({ address, publicAddress: `public-${address}` }));
    },
    async fetch(request) {
      const { host, pathname, search } = new URL(request.url);
      asked.push(`${host} ${request.method} ${pathname}${search}`);
      headers.push(request.headers);
      return servers.get(host)!.api(request, PEER);
    },
  });
  return {
    servers,
    asked,
    headers,
    async server(address, volumes, more = {}) {
      const env = newMachine();
      const store = await openStore(env);
      for (const [volumeId, placement] of Object.entries(volumes))
        await store.allocate({
          volumeId: Number(volumeId),
          collection: '',
          replicaPlacement: parseReplicaPlacement(placement),
        });
      const rig = rigOf(env, store, { peers: peersOf(address), ...more });
      servers.set(address, rig);
      return rig;
    },
  };
}

describe('replication', () => {
  async function pair() {
    const net = network();
    const a = await net.server('a:8080', { 7: '001' });
    const b = await net.server('b:8080', { 7: '001' });
    const same = async (path: string) => {
      const [ours, theirs] = [await a.ask(path), await b.ask(path)];
      expect([theirs.status, [...theirs.headers]]).toEqual([ours.status, [...ours.headers]]);
      const bytes = await bytesOf(ours);
      expect((await bytesOf(theirs)).equals(bytes)).toBe(true);
      return bytes;
    };
    return { net, a, b, same };
  }

  test('a write and a delete reach the other copy, with all that was said', async () => {
    const { net, a, b, same } = await pair();
    const file = { fileName: 'é "1".png', contentType: 'image/webp', data: 'content' };
    const init = upload(file, { 'seaweed-a-b': 'n\xc3\xa9', authorization: 'Bearer token' });
    expect((await a.ask('/7,01aabbccdd.png?ts=1600000000&ttl=3w', init)).status).toBe(201);
    expect(net.asked).toEqual(['b:8080 POST /7,01aabbccdd.png?type=replicate&ts=1600000000&ttl=3w']);
    expect(net.headers[0]!.get('authorization')).toBe('BEARER token');
    expect((await same('/7,01aabbccdd')).toString()).toBe('content');
    const fields = async ({ store }: HttpRig) => {
      const { appendAtNs: _, ...meta } = (await store.find(7)!.open(1n)).meta;
      return meta;
    };
    expect(await fields(b)).toEqual(await fields(a));
    expect((await b.ask('/7,01aabbccdd?jwt=other', { method: 'DELETE' })).status).toBe(202);
    expect(net.asked.at(-1)).toBe('a:8080 DELETE /7,01aabbccdd?type=replicate');
    expect(net.headers.at(-1)!.get('authorization')).toBe('BEARER other');
    expect((await a.ask('/7,01aabbccdd')).status).toBe(404);
  });

  test('of text, of gzip, of a long one, of an empty one', async () => {
    const { a, same } = await pair();
    await a.ask('/7,01aabbccdd', upload({ fileName: 'a.txt', data: PROSE }));
    expect((await same('/7,01aabbccdd')).toString()).toBe(PROSE);
    const packed = { fileName: 'b.txt', contentEncoding: 'gzip', data: gzipSync(PROSE) };
    await a.ask('/7,02aabbccdd', upload(packed));
    expect((await same('/7,02aabbccdd')).toString()).toBe(PROSE);
    await a.ask('/7,03aabbccdd', inPieces('PUT', [LONG.subarray(0, 9), LONG.subarray(9)], {}));
    expect((await same('/7,03aabbccdd')).equals(LONG)).toBe(true);
    expect((await a.ask('/7,04aabbccdd', put(''))).status).toBe(201);
    expect((await same('/7,04aabbccdd')).length).toBe(0);
  });

  test('what is a copy already is not passed on', async () => {
    const { net, a, b } = await pair();
    expect((await a.ask('/7,01aabbccdd?type=replicate', put('x'))).status).toBe(201);
    expect((await a.ask('/7,01aabbccdd?type=replicate', { method: 'DELETE' })).status).toBe(202);
    expect(net.asked).toEqual([]);
    expect(b.store.find(7)!.status().liveNeedles).toBe(0);
  });

  test('all have to succeed', async () => {
    const { a, b } = await pair();
    await b.store.find(7)!.markReadOnly(true);
    const answer = await a.ask('/7,01aabbccdd', put('x'));
    expect(answer.status).toBe(500);
    const { error } = (await answer.json()) as { error: string };
    expect(error).toMatch(/^failed to write to replicas for volume 7: b:8080: 500 .*read-only/);
  });

  test('too few copies are 500, and nothing is written', async () => {
    const { net, a } = await pair();
    net.servers.delete('b:8080');
    for (const init of [put('x'), inPieces('PUT', [LONG], {})]) {
      const answer = await a.ask('/7,01aabbccdd', init);
      expect([answer.status, await answer.json()]).toEqual([
        500,
        { error: 'replicating operations [1] is less than volume 7 replication copy count [2]' },
      ]);
    }
    expect(a.store.find(7)!.status().liveNeedles).toBe(0);
  });

  test('a server that does not answer is given up after half a minute', async () => {
    const net = network();
    const a = await net.server(
      'a:8080',
      { 7: '001' },
      {
        peers: {
          locate: async () => [{ address: 'b:8080', publicAddress: 'b:8080' }],
          fetch: ({ signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        },
      },
    );
    const answering = a.ask('/7,01aabbccdd', put('x'));
    await a.env.time.advance(40_000);
    const answer = await answering;
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { error: 'failed to write to replicas for volume 7: b:8080 does not answer: no answer' },
    ]);
  });
});

describe('a volume that is elsewhere', () => {
  async function two(readMode?: DataApiOptions['readMode']) {
    const net = network();
    const a = await net.server('a:8080', {}, readMode === undefined ? {} : { readMode });
    const b = await net.server('b:8080', { 7: '000' });
    await b.ask('/7,01aabbccdd', upload({ fileName: 'a.txt', data: PROSE }));
    await b.ask('/7,02aabbccdd', put(LONG));
    return { net, a, b };
  }

  test('is read through this server', async () => {
    const { a, net } = await two();
    const whole = await a.ask('/7,01aabbccdd?dl=true', { headers: { 'accept-encoding': 'gzip' } });
    expect([whole.status, await whole.text()]).toEqual([200, PROSE]);
    expect(whole.headers.get('content-disposition')).toBe('attachment; filename=a.txt');
    expect(net.asked).toEqual(['b:8080 GET /7,01aabbccdd?dl=true&proxied=true']);
    const part = await a.ask('/7,02aabbccdd', { headers: { range: 'bytes=7-1000000' } });
    expect(part.status).toBe(206);
    expect((await bytesOf(part)).equals(LONG.subarray(7, 1_000_001))).toBe(true);
    const head = await a.ask('/7,02aabbccdd', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, `${LONG.length}`]);
    const etag = whole.headers.get('etag')!;
    expect((await a.ask('/7,01aabbccdd', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await a.ask('/7,03aabbccdd')).status).toBe(404);
    expect((await a.ask('/8,03aabbccdd')).status).toBe(404);
  });

  test('is not passed on twice', async () => {
    const { a, net } = await two();
    expect((await a.ask('/7,01aabbccdd?proxied=true')).status).toBe(404);
    expect(net.asked).toEqual([]);
  });

  test('is redirected to, or not here', async () => {
    const { a } = await two('redirect');
    const answer = await a.ask('/7,01aabbccdd?dl=true');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      301,
      'http://public-b:8080/7,01aabbccdd?dl=true',
    ]);
    expect((await (await two('local')).a.ask('/7,01aabbccdd')).status).toBe(404);
  });

  test('on servers that do not answer is 502', async () => {
    const { a, net } = await two();
    const silent = await net.server(
      'c:8080',
      {},
      {
        peers: {
          locate: async () => [{ address: 'd:8080', publicAddress: 'd:8080' }],
          fetch: () => Promise.reject(new TypeError('refused')),
        },
      },
    );
    expect((await silent.ask('/7,01aabbccdd')).status).toBe(502);
    expect((await a.ask('/7,01aabbccdd')).status).toBe(200);
  });
});

describe('a file in chunks', () => {
  const bytes = createSeededRandom(8).bytes(900_000);
  const bounds = [0, 10, 400_000, 400_001, 900_000] as const;
  const fids = ['7,01aabbccdd', '8,02aabbccdd', '7,03aabbccdd', '8,04aabbccdd'];

  async function chunked() {
    const net = network();
    const a = await net.server('a:8080', { 7: '000' });
    const b = await net.server('b:8080', { 8: '000' });
    const servers = { 7: a, 8: b };
    for (const [i, fid] of fids.entries())
      await servers[fid[0] as unknown as 7 | 8].ask(`/${fid}`, put(bytes.subarray(bounds[i], bounds[i + 1])));
    const chunks = fids.map((fid, i) => ({ fid, offset: bounds[i]!, size: bounds[i + 1]! - bounds[i]! }));
    const manifest = JSON.stringify({
      name: 'whole.png',
      mime: 'image/png',
      size: bytes.length,
      chunks: chunks.toReversed(),
    });
    const answer = await a.ask('/7,0aaabbccdd?cm=true', upload({ fileName: 'm', data: manifest }));
    expect(answer.status).toBe(201);
    return { net, a, b, manifest };
  }

  test('is read as one, whole and in ranges', async () => {
    const { a, manifest } = await chunked();
    const whole = await a.ask('/7,0aaabbccdd');
    expect(whole.status).toBe(200);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-length': '900000',
      'content-type': 'image/png',
      'content-disposition': 'inline; filename=whole.png',
      'x-file-store': 'chunked',
    });
    expect((await bytesOf(whole)).equals(bytes)).toBe(true);
    for (const [start, end] of [
      [0, 1],
      [5, 400_001],
      [399_999, 400_001],
      [899_999, 900_000],
    ] as const) {
      const part = await a.ask('/7,0aaabbccdd', { headers: { range: `bytes=${start}-${end - 1}` } });
      expect([part.status, part.headers.get('content-range')]).toEqual([
        206,
        `bytes ${start}-${end - 1}/900000`,
      ]);
      expect((await bytesOf(part)).equals(bytes.subarray(start, end))).toBe(true);
    }
    expect((await a.ask('/7,0aaabbccdd', { method: 'HEAD' })).headers.get('content-length')).toBe('900000');
    expect(await (await a.ask('/7,0aaabbccdd?cm=false')).text()).toBe(manifest);
  });

  test('that lacks one never ends as a whole answer', async () => {
    const { a, b } = await chunked();
    await b.ask(`/${fids[3]}`, { method: 'DELETE' });
    await expect(bytesOf(await a.ask('/7,0aaabbccdd'))).rejects.toThrow('404');
    const begin = await a.ask('/7,0aaabbccdd', { headers: { range: 'bytes=0-99' } });
    expect((await bytesOf(begin)).equals(bytes.subarray(0, 100))).toBe(true);
  });

  test('is deleted chunks first', async () => {
    const { a, b, net } = await chunked();
    const answer = await a.ask('/7,0aaabbccdd', { method: 'DELETE' });
    expect([answer.status, await answer.json()]).toEqual([202, { size: bytes.length }]);
    for (const { store } of [a, b]) expect(store.list()[0]!.status().liveNeedles).toBe(0);
    expect(net.asked.filter((asked) => asked.includes('DELETE'))).toEqual([
      'b:8080 DELETE /8,02aabbccdd',
      'b:8080 DELETE /8,04aabbccdd',
    ]);
  });

  test('stays where a chunk cannot be deleted', async () => {
    const { a, b } = await chunked();
    await b.store.find(8)!.markReadOnly(true);
    const answer = await a.ask('/7,0aaabbccdd', { method: 'DELETE' });
    expect(answer.status).toBe(500);
    expect(((await answer.json()) as { error: string }).error).toMatch(/^Delete chunks error: b:8080: 500/);
    expect((await a.ask('/7,0aaabbccdd?cm=false')).status).toBe(200);
  });

  test.each([
    ['no JSON', 'x'],
    ['no list', '{"chunks":5}'],
    ['no size', '{"chunks":[{"fid":"7,01aabbccdd"}]}'],
    ['a hole', '{"chunks":[{"fid":"7,01aabbccdd","offset":1,"size":9}]}'],
    ['an overlap', '{"chunks":[{"fid":"7,01aabbccdd","size":9},{"fid":"7,01aabbccdd","offset":8,"size":1}]}'],
    ['a negative size', '{"chunks":[{"fid":"7,01aabbccdd","offset":0,"size":-1}]}'],
  ])('whose manifest has %s is 500', async (_what, manifest) => {
    const { a } = await chunked();
    await a.ask('/7,0baabbccdd?cm=true', upload({ fileName: 'm', data: manifest }));
    const got = await a.ask('/7,0baabbccdd');
    expect([got.status, await got.text()]).toEqual([
      500,
      expect.stringMatching(/^Load chunks manifest error: /),
    ]);
    expect((await a.ask('/7,0baabbccdd', { method: 'DELETE' })).status).toBe(500);
    expect(await (await a.ask('/7,0baabbccdd?cm=false')).text()).toBe(manifest);
  });

  test('that names itself ends', async () => {
    const { a } = await chunked();
    const manifest = '{"chunks":[{"fid":"7,0caabbccdd","size":60}]}';
    await a.ask('/7,0caabbccdd?cm=true', upload({ fileName: 'm', data: manifest }));
    const got = await a.ask('/7,0caabbccdd');
    expect([got.status, await got.text()]).toEqual([
      500,
      'chunk 7,0caabbccdd is a manifest in too many others',
    ]);
  });
});
