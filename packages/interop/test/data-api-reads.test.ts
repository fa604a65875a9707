import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, ask, startTwoServers, type TwoServers } from './data-api/two-servers.js';
import { NOISE, rowOf, UPLOADS, uploadOf, VARY } from './data-api/uploads.js';

let servers: TwoServers;

beforeAll(async () => {
  servers = await startTwoServers();
  const { weed, ownAddress } = servers;
  for (const [i, row] of UPLOADS.entries())
    for (const address of [weed.httpAddress, ownAddress]) await ask(address, uploadOf(row, i));
});

afterAll(() => servers.stop());

const PICTURE = rowOf('a picture');
const DATE = 'Sun, 13 Sep 2020 12:26:40 GMT';

interface ReadRow {
  readonly what: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly differs?: Readonly<Record<string, string>>;
}

const etagInAnswer = { etag: 'RFC 9110 §15.4.5: 304 says it' };

const READS: readonly ReadRow[] = [
  { what: 'another name', path: `${PICTURE.replace(',', '/')}/na%20me.txt` },
  { what: 'to be saved', path: `${PICTURE}?dl=true` },
  { what: 'an extension', path: `${PICTURE}.txt` },
  { what: 'the next needle', path: `${PICTURE}_1` },
  { what: 'not there', path: '/1,ffffaabbccdd' },
  { what: 'another cookie', path: PICTURE.replace('ccdd', 'ccde') },
  { what: 'no such volume', path: '/99,01aabbccdd' },
  { what: 'no id', path: '/1,zz' },
  { what: 'an id that is too short', path: '/1,0101' },
  { what: 'a method', method: 'PATCH' },
  { what: 'what a page may do', method: 'OPTIONS' },
  {
    what: 'for a page of another origin',
    headers: { origin: 'http://a.page' },
    differs: { 'access-control-allow-credentials': 'no browser takes it beside *' },
  },
  {
    what: 'what is not there, for a page',
    path: '/1,ffffaabbccdd',
    headers: { origin: 'http://a.page' },
    differs: { 'access-control-allow-credentials': 'no browser takes it beside *' },
  },
  { what: 'a manifest as it is', path: `${rowOf('a manifest')}?cm=false` },
  { what: 'a manifest', path: rowOf('a manifest') },
  { what: 'a range', headers: { range: 'bytes=10-19' } },
  { what: 'the first byte', headers: { range: 'bytes=0-0' } },
  { what: 'the last bytes', headers: { range: 'bytes=-5' } },
  { what: 'from a place', headers: { range: 'bytes=2990-' } },
  { what: 'a range past the end', headers: { range: 'bytes=2990-9999' } },
  { what: 'a suffix longer than everything', headers: { range: 'bytes=-9999' } },
  {
    what: 'a range behind the end',
    headers: { range: 'bytes=3000-' },
    differs: {
      'content-disposition': 'none on a text',
      etag: 'none on a text',
      'last-modified': 'none on a text',
      'accept-ranges': 'none on a text',
      'content-length': 'no line end',
      body: 'no line end',
    },
  },
  { what: 'a range of unpacked text', path: rowOf('gzip'), headers: { range: 'bytes=5-9' }, differs: VARY },
  { what: 'If-None-Match', headers: { 'if-none-match': '"ETAG"' }, differs: etagInAnswer },
  { what: 'If-None-Match of another', headers: { 'if-none-match': '"00000000"' } },
  { what: 'If-Modified-Since', headers: { 'if-modified-since': DATE }, differs: etagInAnswer },
  { what: 'If-Modified-Since before', headers: { 'if-modified-since': 'Sat, 12 Sep 2020 12:26:40 GMT' } },
  { what: 'If-Modified-Since that is none', headers: { 'if-modified-since': 'yesterday' } },
];

describe('reads are answered alike', () => {
  test.each(READS.map((row) => [row.what, row] as const))('%s', async (_what, row) => {
    const { path = PICTURE, method = 'GET', headers = {}, differs } = row;
    const { etag = '' } = (await ask(servers.ownAddress, { method: 'HEAD', path: PICTURE })).headers;
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('"ETAG"', etag)]),
    );
    await servers.expectSame({ method, path, headers: sent }, differs);
  });
});

const ALL = NOISE.length;

/** Header, what the real server answers (status and bytes), what Holdfast does. */
const BY_THE_BOOK = [
  ['ranges of more than everything', { range: 'bytes=0-,0-' }, [200, 0], [200, ALL]],
  ['no range at all', { range: 'bytes=' }, [200, 0], [416, 13]],
  ['the last no bytes', { range: 'bytes=-0' }, [206, 0], [416, 32]],
  ['another unit', { range: 'lines=0-4' }, [416, 14], [200, ALL]],
  ['whatever is there', { 'if-none-match': '*' }, [200, ALL], [304, 0]],
  ['one of several', { 'if-none-match': '"00000000", "ETAG"' }, [200, ALL], [304, 0]],
  ['a weak one', { 'if-none-match': 'W/"ETAG"' }, [200, ALL], [304, 0]],
  ['a range of another state', { range: 'bytes=0-4', 'if-range': '"00000000"' }, [206, 5], [200, ALL]],
  ['another tag beside a date', { 'if-none-match': '"0"', 'if-modified-since': DATE }, [304, 0], [200, ALL]],
] as const;

test.each(BY_THE_BOOK)('RFC 9110 counts: %s', async (_what, headers, theirs, ours) => {
  const { etag = '' } = (await ask(servers.ownAddress, { method: 'HEAD', path: PICTURE })).headers;
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace('"ETAG"', etag)]),
  );
  const found = async (address: string) => {
    const { status, body } = await ask(address, { method: 'GET', path: PICTURE, headers: sent });
    return [status, body.length];
  };
  expect([await found(servers.weed.httpAddress), await found(servers.ownAddress)]).toEqual([theirs, ours]);
});

test('several ranges have the same parts', async () => {
  const asked = { method: 'GET', path: PICTURE, headers: { range: 'bytes=0-4,100-199,-3' } };
  const partsOf = ({ headers, body }: Answered) => {
    const boundary = /boundary=(\S+)/.exec(headers['content-type']!)![1]!;
    const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
    return parts.map((part) => [part.split('\r\n').slice(1, 3).sort(), part.slice(part.indexOf('\r\n\r\n'))]);
  };
  const [theirs, ours] = [await ask(servers.weed.httpAddress, asked), await ask(servers.ownAddress, asked)];
  expect([ours.status, partsOf(ours)]).toEqual([theirs.status, partsOf(theirs)]);
});

const DELETES: readonly ReadRow[] = [
  { what: 'another cookie', path: PICTURE.replace('ccdd', 'ccde') },
  { what: 'a needle', path: PICTURE },
  { what: 'the same again', path: PICTURE },
  { what: 'an empty one', path: rowOf('nothing') },
  { what: 'not there', path: '/1,ffffaabbccdd' },
  { what: 'no such volume', path: '/99,01aabbccdd' },
  { what: 'no id', path: '/1,zz' },
];

describe('deletions are answered alike', () => {
  test.each(DELETES.map((row) => [row.what, row] as const))('%s', async (_what, { path, differs }) => {
    await servers.expectSame({ method: 'DELETE', path: path! }, differs);
  });

  test('and what is deleted is gone, and remembered', async () => {
    await servers.expectSame({ method: 'GET', path: PICTURE });
    await servers.expectSame({ method: 'GET', path: `${PICTURE}?readDeleted=true` });
    await servers.expectSame({
      method: 'PUT',
      path: PICTURE.replace('ccdd', 'ccde'),
      body: Buffer.from('other'),
    });
    servers.weed.assertAlive();
  });
});
