import { gzipSync } from 'node:zlib';
import type { Asked } from './two-servers.js';

const PROSE = Buffer.from('hello world, this is text. '.repeat(200));
/** The bytes of `a picture`. */
export const NOISE = Buffer.from(Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919 + i * i) & 0xff));
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

export interface UploadRow {
  readonly what: string;
  readonly send: Omit<Asked, 'path'> & { readonly suffix?: string; readonly query?: string };
  /** Fields of the answers that differ, and why that is meant so. */
  readonly differs?: Readonly<Record<string, string>>;
  /** The records are not compared, because the real server stores something else. */
  readonly storesOther?: string;
}

/** gzip of another library has other bytes, and so another CRC. */
export const PACKED = { etag: 'gzip by another library', body: 'the same etag in JSON' };
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

export const UPLOADS: readonly UploadRow[] = [
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

/** Of the first row; each has the one after that of the row before. */
export const NEEDLE_ID = 0x100;
export const pathOf = (row: number): string =>
  `/1,${(NEEDLE_ID + row).toString(16).padStart(4, '0')}aabbccdd`;
const TIME = 'ts=1600000000';

export const rowOf = (what: string): string => pathOf(UPLOADS.findIndex((row) => row.what === what));

/** The request of a row. */
export function uploadOf({ send }: UploadRow, row: number): Asked {
  const { suffix = '', query = '', ...rest } = send;
  return { ...rest, path: `${pathOf(row)}${suffix}?${TIME}${query}` };
}

/** Vary is said by Holdfast only. */
export const VARY = { vary: 'the same needle may be sent packed' };
