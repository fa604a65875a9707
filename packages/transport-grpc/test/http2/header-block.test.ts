import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderBlock, encodeFields } from '../../src/http2/header-block.js';

const block = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const decode = (hex: string) => Object.fromEntries(decodeHeaderBlock(block(hex)));

describe('decodeHeaderBlock', () => {
  // RFC 7541, appendix C: those examples that name no entry of a dynamic table.
  it.each([
    [
      'C.2.1',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      { 'custom-key': 'custom-header' },
    ],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', { ':path': '/sample/path' }],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', { password: 'secret' }],
    ['C.2.4', '82', { ':method': 'GET' }],
    [
      'C.4.1',
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'www.example.com' },
    ],
    [
      'C.6.1',
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      {
        ':status': '302',
        'cache-control': 'private',
        date: 'Mon, 21 Oct 2013 20:13:21 GMT',
        location: 'https://www.example.com',
      },
    ],
  ])('reads the example %s', (_name, hex, fields) => {
    expect(decode(hex)).toEqual(fields);
  });

  it('reads what it writes', () => {
    const text = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 300,
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 10 }),
        (fields) => {
          expect([...decodeHeaderBlock(encodeFields(fields))]).toEqual(fields);
        },
      ),
    );
  });

  it.each([
    ['an entry of a table that was not allowed', 'be'],
    ['the entry 0', '80'],
    ['a larger table', '3fe11f'],
    ['a text that ends too early', '0005 6162'],
    ['a field that ends before its value', '0001 61'],
    ['an integer without end', '7fffffffffff00'],
    ['padding of more than seven bits', '0081 ff ff'],
    ['padding that is not ones', '0001 61 81 00'],
    ['a code that ends the text', '0001 61 84 ff ff ff ff'],
  ])('refuses %s', (_name, hex) => {
    expect(() => decode(hex)).toThrow(
      expect.objectContaining({ name: 'Http2Error', code: 'COMPRESSION_ERROR' }),
    );
  });

  it('takes a table that stays empty', () => {
    expect(decode('20 82')).toEqual({ ':method': 'GET' });
  });

  it('gives fields or its own error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeHeaderBlock(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'Http2Error', code: 'COMPRESSION_ERROR' });
        }
      }),
      { numRuns: 5000 },
    );
  });
});
