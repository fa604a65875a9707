import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  NEEDLE_HEADER_SIZE_BYTES,
  type Needle,
  parseNeedle,
  parseNeedleHeader,
  recordLengthBytes,
} from '@holdfast/format';
import { systemTimers } from '@holdfast/format/node';
import { createDataApi, type NeedleStore, openNeedleStore } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

let cluster: WeedCluster;
let weed: WeedVolumeServer;
let directory: string;
let store: NeedleStore;
let server: Server;
let ownAddress: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  weed = cluster.servers[0]!;
  await weed.allocate(1);
  directory = await mkdtemp(join(tmpdir(), 'holdfast-data-api-'));
  store = await openNeedleStore({ env: nodeStoreEnvironment(), timers: systemTimers, directory });
  await store.allocate({ volumeId: 1, collection: '' });
  const api = createDataApi({ env: nodeHttpEnvironment(), reads: store, writes: store });
  await new Promise<void>((resolve) => {
    server = serve(
      {
        port: 0,
        hostname: '127.0.0.1',
        fetch: (request, { incoming }) => api(request, { address: incoming.socket.remoteAddress ?? '' }),
      },
      () => resolve(),
    ) as Server;
  });
  ownAddress = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await store.close();
  await rm(directory, { recursive: true });
  await cluster.stop();
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As it goes over the wire: nothing is unpacked, nothing added. */
function ask(address: string, { method, path, headers = {}, body }: Asked): Promise<Answered> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host, port, method, path, headers: { ...headers, ...lengthOf(body) } },
      (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(pieces) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const lengthOf = (body: Uint8Array | undefined) =>
  body === undefined ? {} : { 'content-length': `${body.length}` };

/** What the server or the connection says of itself. */
const OF_THE_SERVER = [
  'server',
  'x-amz-request-id',
  'x-content-type-options',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
];

function fieldsOf({ status, headers, body }: Answered): Record<string, unknown> {
  const fields = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OF_THE_SERVER.includes(name)),
  );
  const content = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const text = content.toString('latin1');
  if (fields['content-md5'] === '') delete fields['content-md5'];
  const isSaid = headers['content-type'] === 'application/json' && text.startsWith('{"');
  // The order of its members, and so its length, is not what it says.
  if (isSaid) delete fields['content-length'];
  return { status, ...fields, body: isSaid ? JSON.parse(text) : text };
}

const PROSE = Buffer.from('hello world, this is text. '.repeat(200));
const NOISE = Buffer.from(Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919 + i * i) & 0xff));
const BOUNDARY = 'a-boundary';

function form(
  ...parts: readonly (readonly [lines: readonly string[], data: Uint8Array | string])[]
): Pick<Asked, 'headers' | 'body'> {
  const pieces = parts.flatMap(([lines, data]) => [
    `--${BOUNDARY}\r\n${lines.join('\r\n')}\r\n\r\n`,
    data,
    '\r\n',
  ]);
  const body = Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece as string)));
  return { headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }, body };
}

const named = (fileName: string, ...more: readonly string[]) => [
  `Content-Disposition: form-data; name="file"; filename="${fileName}"`,
  ...more,
];

interface Row {
  readonly what: string;
  readonly send: Omit<Asked, 'path'> & { readonly suffix?: string; readonly query?: string };
  /** Fields of the answers that differ, and why that is meant so. */
  readonly differs?: Readonly<Record<string, string>>;
  /** The records are not compared, because the real server stores something else. */
  readonly storesOther?: string;
}

/** gzip of another library has other bytes, and so another CRC. */
const PACKED = { etag: 'gzip by another library', body: 'the same etag in JSON' };
const post = (parts: Pick<Asked, 'headers' | 'body'>, more: Readonly<Record<string, string>> = {}) => ({
  method: 'POST',
  ...parts,
  headers: { ...parts.headers, ...more },
});
const put = (body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) => ({
  method: 'PUT',
  headers,
  body: Buffer.from(body),
});
const MD5_OF_123 = 'ICy5YqxZB1uWSwcVLSNLcA==';

const UPLOADS: readonly Row[] = [
  { what: 'text by its name', send: post(form([named('a.txt'), PROSE])), differs: PACKED },
  {
    what: 'text by its type',
    send: post(form([named('a', 'Content-Type: text/plain'), PROSE])),
    differs: PACKED,
  },
  {
    what: 'text by its bytes',
    send: post(form([named('noext', 'Content-Type: application/octet-stream'), PROSE])),
    differs: PACKED,
  },
  { what: 'HTML by its bytes', send: post(form([named('x'), `<html><body>${PROSE}`])), differs: PACKED },
  {
    what: 'XML',
    send: post(form([named('a.xml', 'Content-Type: application/xml'), PROSE])),
    differs: PACKED,
  },
  {
    what: 'a script',
    send: post(form([named('a.js', 'Content-Type: application/javascript'), PROSE])),
    differs: PACKED,
  },
  {
    what: 'sound that packs',
    send: post(form([named('a.wav', 'Content-Type: audio/wav'), PROSE])),
    differs: PACKED,
  },
  { what: 'JSON', send: post(form([named('a.json', 'Content-Type: application/json'), PROSE])) },
  {
    what: 'a picture that is text',
    send: post(form([named('a.svg', 'Content-Type: image/svg+xml'), PROSE])),
  },
  { what: 'an archive by its name', send: post(form([named('a.zip'), PROSE])) },
  { what: 'a document', send: post(form([named('a.pdf', 'Content-Type: application/pdf'), PROSE])) },
  { what: 'noise', send: post(form([named('a.bin', 'Content-Type: application/octet-stream'), NOISE])) },
  { what: 'a picture', send: post(form([named('a.png', 'Content-Type: image/webp'), NOISE])) },
  { what: 'nothing', send: post(form([named('empty.bin'), ''])) },
  { what: 'short text', send: post(form([named('a.txt', 'Content-Type: text/plain'), 'short'])) },
  { what: 'a name with folders', send: post(form([named('dir/sub/base.odd'), NOISE])) },
  { what: 'a name of Windows', send: post(form([named('C:\\\\dir\\\\a.bin'), NOISE])) },
  { what: 'a name with a quote', send: post(form([named('a\\"b.bin'), NOISE])) },
  { what: 'a name that is not ASCII', send: post(form([named('é中.bin'), NOISE])) },
  { what: 'a name of 255 bytes', send: post(form([named('n'.repeat(255)), NOISE])) },
  { what: 'a name of 256 bytes', send: post(form([named('n'.repeat(256)), NOISE])) },
  {
    what: 'a type of 300 bytes',
    send: post(form([named('m', `Content-Type: a/${'x'.repeat(300)}`), NOISE])),
  },
  {
    what: 'a field and a file',
    send: post(
      form(
        [['Content-Disposition: form-data; name="f"'], 'field'],
        [named('b.bin', 'Content-Type: image/png'), NOISE],
      ),
    ),
  },
  { what: 'a field alone', send: post(form([['Content-Disposition: form-data; name="f"'], 'field'])) },
  {
    what: 'two fields',
    send: post(
      form(
        [['Content-Disposition: form-data; name="f"'], 'one'],
        [['Content-Disposition: form-data; name="g"'], 'two'],
      ),
    ),
  },
  { what: 'two files', send: post(form([named('a.bin'), 'first'], [named('b.bin'), 'second'])) },
  { what: 'a part without disposition', send: post(form([['Content-Type: text/x'], 'zzz'])) },
  {
    what: 'gzip in a form',
    send: post(form([named('a.txt', 'Content-Type: text/plain', 'Content-Encoding: gzip'), gzipSync(PROSE)])),
  },
  { what: 'gzip', send: put(gzipSync(PROSE), { 'content-encoding': 'gzip', 'content-type': 'text/plain' }) },
  { what: 'gzip that is none', send: put('not gzip', { 'content-encoding': 'gzip' }) },
  { what: 'PUT without a type', send: put(NOISE) },
  { what: 'PUT of octets', send: put(NOISE, { 'content-type': 'application/octet-stream' }) },
  { what: 'PUT with an extension', send: { ...put('abc'), suffix: '.jpg' } },
  {
    what: 'PUT with a disposition',
    send: put('abc', { 'content-disposition': 'inline; filename="x y.txt"' }),
  },
  {
    what: 'PUT with a folder',
    send: put('abc', { 'content-disposition': 'inline; filename="a/b/x y.txt"' }),
  },
  { what: 'PUT with a disposition that is none', send: put('abc', { 'content-disposition': ';;;"' }) },
  {
    what: 'PUT with an extended name',
    send: put('abc', { 'content-disposition': "inline; filename*=utf-8''%c3%a9.txt" }),
    differs: { body: 'RFC 6266: the name counts' },
    storesOther: 'the last segment of the URL as name',
  },
  { what: 'POST of a type', send: { ...put('a{}', { 'content-type': 'text/css' }), method: 'POST' } },
  {
    what: 'POST of a form by its type alone',
    send: { ...put('a=b&ts=5', { 'content-type': 'application/x-www-form-urlencoded' }), method: 'POST' },
    differs: { etag: 'what was sent is stored', body: 'what was sent is stored' },
    storesOther: 'nothing: it has read the body for parameters',
  },
  {
    what: 'pairs',
    send: post(form([named('a.bin'), '123']), {
      'seaweed-beta-gamma': 'two words',
      'seaweed-html': '<a>&"\\',
    }),
  },
  { what: 'a ttl', send: { ...post(form([named('a.bin'), '123'])), query: '&ttl=90m' } },
  { what: 'a ttl that is none', send: { ...post(form([named('a.bin'), '123'])), query: '&ttl=zz' } },
  {
    what: 'a manifest',
    send: {
      ...post(form([named('m', 'Content-Type: image/png'), '{"name":"q","chunks":[]}'])),
      query: '&cm=true',
    },
  },
  { what: 'a right MD5', send: post(form([named('a.bin'), '123']), { 'content-md5': MD5_OF_123 }) },
  { what: 'a wrong MD5', send: post(form([named('a.bin'), '1234']), { 'content-md5': MD5_OF_123 }) },
  { what: 'POST without a type', send: { method: 'POST', body: Buffer.from('abc') } },
  {
    what: 'a form without a boundary',
    send: { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: Buffer.from('abc') },
  },
  {
    what: 'a form that ends early',
    send: post({
      ...form([named('a.bin'), 'abc']),
      body: form([named('a.bin'), 'abc']).body!.subarray(0, -6),
    }),
    differs: { body: 'says what is wrong' },
  },
  { what: 'a form without parts', send: post(form()), differs: { body: 'says what is wrong' } },
];

const NEEDLE_ID = 0x100;
const pathOf = (row: number) => `/1,${(NEEDLE_ID + row).toString(16).padStart(4, '0')}aabbccdd`;
const TIME = 'ts=1600000000';

async function expectSame(asked: Asked, differs: Readonly<Record<string, string>> = {}): Promise<void> {
  const [theirs, ours] = [
    fieldsOf(await ask(weed.httpAddress, asked)),
    fieldsOf(await ask(ownAddress, asked)),
  ];
  const differing = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].filter(
    (name) => JSON.stringify(theirs[name]) !== JSON.stringify(ours[name]),
  );
  const told = (fields: Record<string, unknown>) =>
    Object.fromEntries(
      differing.filter((name) => differs[name] === undefined).map((name) => [name, fields[name]]),
    );
  expect(told(ours)).toEqual(told(theirs));
  // A difference that is listed is one.
  expect(Object.keys(differs).filter((name) => !differing.includes(name))).toEqual([]);
}

describe('uploads are answered alike', () => {
  test.each(UPLOADS.map((row, i) => [row.what, row, i] as const))('%s', async (_what, row, i) => {
    const { suffix = '', query = '', ...rest } = row.send;
    await expectSame({ ...rest, path: `${pathOf(i)}${suffix}?${TIME}${query}` }, row.differs);
  });
});

/** Vary is said by Holdfast only. */
const VARY = { vary: 'the same needle may be sent packed' };

describe('what was uploaded is read alike', () => {
  test.each(UPLOADS.map((row, i) => [row.what, row, i] as const))('%s', async (_what, row, i) => {
    if (row.storesOther !== undefined) return;
    const isPacked = row.differs === PACKED;
    const isGzip = isPacked || row.what === 'gzip' || row.what === 'gzip in a form';
    const differs = { ...(isGzip ? VARY : {}), ...(isPacked ? { etag: PACKED.etag } : {}) };
    await expectSame({ method: 'GET', path: pathOf(i) }, differs);
    const asked = { method: 'GET', path: pathOf(i), headers: { 'accept-encoding': 'gzip' } };
    const [theirs, ours] = [await ask(weed.httpAddress, asked), await ask(ownAddress, asked)];
    const isSameLength = ours.headers['content-length'] === theirs.headers['content-length'];
    const length = isSameLength ? {} : { 'content-length': 'gzip by another library' };
    await expectSame(asked, { ...differs, ...length });
    // A real server leaves out the type in HEAD where only the bytes tell it, and the length of what is not there.
    const head = await ask(ownAddress, { ...asked, method: 'HEAD' });
    expect({ ...head, headers: { ...head.headers, date: '' }, body: ours.body }).toEqual({
      ...ours,
      headers: { ...ours.headers, date: '' },
    });
  });
});

const rowOf = (what: string) => pathOf(UPLOADS.findIndex((row) => row.what === what));
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
    const { etag = '' } = (await ask(ownAddress, { method: 'HEAD', path: PICTURE })).headers;
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('"ETAG"', etag)]),
    );
    await expectSame({ method, path, headers: sent }, differs);
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
  const { etag = '' } = (await ask(ownAddress, { method: 'HEAD', path: PICTURE })).headers;
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace('"ETAG"', etag)]),
  );
  const found = async (address: string) => {
    const { status, body } = await ask(address, { method: 'GET', path: PICTURE, headers: sent });
    return [status, body.length];
  };
  expect([await found(weed.httpAddress), await found(ownAddress)]).toEqual([theirs, ours]);
});

test('several ranges have the same parts', async () => {
  const asked = { method: 'GET', path: PICTURE, headers: { range: 'bytes=0-4,100-199,-3' } };
  const partsOf = ({ headers, body }: Answered) => {
    const boundary = /boundary=(\S+)/.exec(headers['content-type']!)![1]!;
    const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
    return parts.map((part) => [part.split('\r\n').slice(1, 3).sort(), part.slice(part.indexOf('\r\n\r\n'))]);
  };
  const [theirs, ours] = [await ask(weed.httpAddress, asked), await ask(ownAddress, asked)];
  expect([ours.status, partsOf(ours)]).toEqual([theirs.status, partsOf(theirs)]);
});

test('records are the same, but for their stamps and for gzip of another library', async () => {
  const theirs = recordsOf(await weed.readFile(1, '.dat'));
  const ours = recordsOf(await readFile(join(directory, '1.dat')));
  const other = UPLOADS.flatMap(({ storesOther }, i) =>
    storesOther === undefined ? [] : [BigInt(NEEDLE_ID + i)],
  );
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  for (const [needleId, record] of ours)
    if (!other.includes(needleId)) expect(record).toEqual(theirs.get(needleId));
  expect(ours.size).toBeGreaterThan(40);
});

function recordsOf(dat: Uint8Array): Map<bigint, unknown> {
  const records = new Map<bigint, unknown>();
  for (let at = 8; at < dat.length; ) {
    const { sizeBytes } = parseNeedleHeader(dat.subarray(at, at + NEEDLE_HEADER_SIZE_BYTES));
    const end = at + recordLengthBytes(3, sizeBytes);
    const needle = parseNeedle(dat.subarray(at, end), 3);
    records.set(needle.needleId, comparable(needle));
    at = end;
  }
  return records;
}

function comparable({ appendAtNs: _stamp, data, ...needle }: Needle) {
  const isGzip = needle.isCompressed && data[0] === 0x1f;
  const { crc: _crc, storedCrc: _stored, sizeBytes: _size, dataSizeBytes: _dataSize, ...rest } = needle;
  return { ...(isGzip ? rest : needle), data: isGzip ? gunzipSync(data) : Buffer.from(data) };
}

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
    await expectSame({ method: 'DELETE', path: path! }, differs);
  });

  test('and what is deleted is gone, and remembered', async () => {
    await expectSame({ method: 'GET', path: PICTURE });
    await expectSame({ method: 'GET', path: `${PICTURE}?readDeleted=true` });
    await expectSame({ method: 'PUT', path: PICTURE.replace('ccdd', 'ccde'), body: Buffer.from('other') });
    weed.assertAlive();
  });
});
