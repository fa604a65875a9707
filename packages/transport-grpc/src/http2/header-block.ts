import { Http2Error } from './http2-error.js';
import { decodeHuffman } from './huffman.js';

/** The table of RFC 7541, appendix A, from index 1 on. */
const staticTable: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control',
    'content-disposition content-encoding content-language content-length content-location content-range content-type',
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since',
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after',
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate',
  ].flatMap((names) => names.split(' ').map((name) => [name, ''] as const)),
];

/** The fields of a header block, names as they came; of one that came twice, the last. */
export type HeaderFields = ReadonlyMap<string, string>;

/**
 * Every field as a literal that no table keeps (RFC 7541 §6.2.2), without Huffman's code: blocks of them can be put one
 * behind the other. `fields` are ASCII.
 */
export function encodeFields(fields: readonly (readonly [name: string, value: string])[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(0), encodeText(name), encodeText(value)]),
  );
}

function encodeText(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeInteger(bytes.length, 7), bytes]);
}

/** RFC 7541 §5.1, the bits before the prefix being 0. */
function encodeInteger(value: number, prefixBits: number): Uint8Array {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Uint8Array.of(value);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

/**
 * Decodes a block of a peer that was told to keep no table (SETTINGS_HEADER_TABLE_SIZE 0): what names an entry of one is
 * refused. Fails with `COMPRESSION_ERROR`.
 */
export function decodeHeaderBlock(block: Uint8Array): HeaderFields {
  const fields = new Map<string, string>();
  let at = 0;

  function byte(): number {
    const value = block[at++];
    if (value === undefined) throw malformed('ends inside a field');
    return value;
  }

  function integer(first: number, prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = first & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw malformed('has an integer without end');
      const next = byte();
      value += (next & 127) << shift;
      if (next < 128) return value;
    }
  }

  function text(): string {
    const first = byte();
    const length = integer(first, 7);
    if (length > block.length - at) throw malformed('ends inside a text');
    const bytes = block.subarray(at, (at += length));
    return Buffer.from((first & 0x80) === 0 ? bytes : decodeHuffman(bytes)).toString('latin1');
  }

  function entry(index: number): readonly [name: string, value: string] {
    const known = staticTable[index - 1];
    if (known === undefined)
      throw malformed(`names the entry ${index} of a table that it was told not to keep`);
    return known;
  }

  while (at < block.length) {
    const first = byte();
    if ((first & 0x80) !== 0) {
      fields.set(...entry(integer(first, 7)));
    } else if ((first & 0xe0) === 0x20) {
      if (integer(first, 5) !== 0) throw malformed('makes its table larger than it was told');
    } else {
      const index = integer(first, (first & 0xc0) === 0x40 ? 6 : 4);
      const name = index === 0 ? text() : entry(index)[0];
      fields.set(name, text());
    }
  }
  return fields;
}

function malformed(what: string): Http2Error {
  return new Http2Error('COMPRESSION_ERROR', `a header block ${what}`);
}
