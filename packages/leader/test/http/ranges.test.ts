import { createSeededRandom } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import { bytesOf, type HttpRig, newRig, put } from './rig.js';

const SHORT = createSeededRandom(1).bytes(1000);
const LONG = createSeededRandom(2).bytes(700_001);

async function filled(): Promise<HttpRig> {
  const rig = await newRig();
  await rig.ask('/7,01aabbccdd', put(SHORT, { 'content-type': 'image/png' }));
  await rig.ask('/7,02aabbccdd', put(LONG, { 'content-type': 'image/png' }));
  return rig;
}

const NEEDLES = [
  ['short', '/7,01aabbccdd', SHORT],
  ['long', '/7,02aabbccdd', LONG],
] as const;

/** The parts of a multipart/byteranges answer, by the boundary that it names. */
async function partsOf(response: Response): Promise<{ head: string; data: Buffer }[]> {
  const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(response.headers.get('content-type')!)![1];
  const body = await bytesOf(response);
  expect(body.length).toBe(Number(response.headers.get('content-length')));
  const text = body.toString('latin1');
  const parts = text.split(`--${boundary}`).slice(1, -1);
  expect(text.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true);
  return parts.map((part) => {
    const split = part.indexOf('\r\n\r\n');
    return { head: part.slice(2, split), data: Buffer.from(part.slice(split + 4, -2), 'latin1') };
  });
}

describe.each(NEEDLES)('of a %s needle', (_name, path, data) => {
  const size = data.length;

  test('one range is 206 with just its bytes', async () => {
    const { ask } = await filled();
    for (const [header, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=10-99', 10, 100],
      [`bytes=${size - 1}-`, size - 1, size],
      ['bytes=-7', size - 7, size],
      [`bytes=0-${size * 2}`, 0, size],
      ['bytes=500-400000', 500, Math.min(size, 400_001)],
    ] as const) {
      const got = await ask(path, { headers: { range: header } });
      expect([header, got.status, got.headers.get('content-range')]).toEqual([
        header,
        206,
        `bytes ${start}-${end - 1}/${size}`,
      ]);
      expect(got.headers.get('content-length')).toBe(`${end - start}`);
      expect((await bytesOf(got)).equals(data.subarray(start, end))).toBe(true);
    }
  });

  test('several ranges are one multipart body', async () => {
    const { ask } = await filled();
    const got = await ask(path, { headers: { range: 'bytes=0-4, 100-199 ,-3' } });
    expect(got.status).toBe(206);
    const wanted = [
      [0, 5],
      [100, 200],
      [size - 3, size],
    ] as const;
    expect(await partsOf(got)).toEqual(
      wanted.map(([start, end]) => ({
        head: `Content-Type: image/png\r\nContent-Range: bytes ${start}-${end - 1}/${size}`,
        data: Buffer.from(data.subarray(start, end)),
      })),
    );
  });

  test('more than there is, and what is no range of it', async () => {
    const { ask } = await filled();
    const all = await ask(path, { headers: { range: `bytes=0-,0-,0-` } });
    expect([all.status, (await bytesOf(all)).equals(data)]).toEqual([200, true]);
    for (const header of [`bytes=${size}-`, 'bytes=-0', 'bytes=9-3', 'bytes=', 'bytes=x']) {
      const got = await ask(path, { headers: { range: header } });
      expect([header, got.status, got.headers.get('content-range')]).toEqual([
        header,
        416,
        `bytes */${size}`,
      ]);
    }
    const many = Array.from({ length: 65 }, (_, i) => `${i}-${i}`).join(',');
    expect((await ask(path, { headers: { range: `bytes=${many}` } })).status).toBe(416);
  });

  test('If-Range decides whether the range counts', async () => {
    const { ask } = await filled();
    const whole = await ask(path);
    const [etag, date] = [whole.headers.get('etag')!, whole.headers.get('last-modified')!];
    const statusWith = async (condition: string) =>
      (await ask(path, { headers: { range: 'bytes=0-4', 'if-range': condition } })).status;
    expect(await statusWith(etag)).toBe(206);
    expect(await statusWith(date)).toBe(206);
    expect(await statusWith('"00000000"')).toBe(200);
    expect(await statusWith(`W/${etag}`)).toBe(200);
    expect(await statusWith('Sun, 13 Sep 2020 12:26:40 GMT')).toBe(200);
  });
});

test('ranges of a long needle that go back are answered with everything', async () => {
  const { ask } = await filled();
  const got = await ask('/7,02aabbccdd', { headers: { range: 'bytes=100-199,0-4' } });
  expect([got.status, (await bytesOf(got)).equals(LONG)]).toEqual([200, true]);
});

test('ranges of a long needle over its pieces', async () => {
  const { ask } = await filled();
  const spans = [
    [1, 3],
    [100_000, 600_000],
    [600_000, 600_001],
    [700_000, 700_001],
  ] as const;
  const range = `bytes=${spans.map(([start, end]) => `${start}-${end - 1}`).join(',')}`;
  const parts = await partsOf(await ask('/7,02aabbccdd', { headers: { range } }));
  expect(parts.map(({ data }) => data.length)).toEqual(spans.map(([start, end]) => end - start));
  for (const [i, [start, end]] of spans.entries())
    expect(parts[i]!.data.equals(LONG.subarray(start, end))).toBe(true);
});

describe('conditions', () => {
  test('If-None-Match counts before If-Modified-Since, and takes lists, weak tags and *', async () => {
    const { ask } = await filled();
    const whole = await ask('/7,01aabbccdd');
    const [etag, date] = [whole.headers.get('etag')!, whole.headers.get('last-modified')!];
    const statusWith = async (headers: Record<string, string>) => {
      const got = await ask('/7,01aabbccdd', { headers });
      if (got.status === 304) {
        expect(await got.text()).toBe('');
        expect([got.headers.get('etag'), got.headers.get('last-modified')]).toEqual([etag, date]);
      }
      return got.status;
    };
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, `"a,b" ,W/${etag},"c"`, '*'])
      expect([tags, await statusWith({ 'if-none-match': tags })]).toEqual([tags, 304]);
    for (const tags of ['"x"', etag.slice(1, -1), `${etag}x`, ''])
      expect([tags, await statusWith({ 'if-none-match': tags })]).toEqual([tags, 200]);
    expect(await statusWith({ 'if-none-match': '"x"', 'if-modified-since': date })).toBe(200);
    expect(await statusWith({ 'if-modified-since': date })).toBe(304);
    expect(await statusWith({ 'if-modified-since': 'Fri, 31 Dec 9999 23:59:59 GMT' })).toBe(304);
    expect(await statusWith({ 'if-modified-since': 'Sun, 13 Sep 2020 12:26:40 GMT' })).toBe(200);
    for (const odd of ['yesterday', 'Sun, 31 Feb 2020 12:26:40 GMT', '1600000000', date.toLowerCase()])
      expect([odd, await statusWith({ 'if-modified-since': odd })]).toEqual([odd, 200]);
  });
});
