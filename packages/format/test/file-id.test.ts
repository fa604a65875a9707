import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFileId, parseFileId } from '../src/index.js';

test.each([
  ['3,01637037d6', 3, 1n, 0x637037d6],
  ['/3,01637037d6', 3, 1n, 0x637037d6],
  ['3,1637037d6', 3, 1n, 0x637037d6],
  ['3,01637037D6', 3, 1n, 0x637037d6],
  ['3,01637037d6_4', 3, 5n, 0x637037d6],
  ['/3,01637037d6.jpg', 3, 1n, 0x637037d6],
  ['/3,01637037d6_2.tar.gz', 3, 3n, 0x637037d6],
  ['/3/01637037d6', 3, 1n, 0x637037d6],
  ['/3/01637037d6.jpg', 3, 1n, 0x637037d6],
  ['/3/01637037d6/my photo,1_2.jpg', 3, 1n, 0x637037d6],
  ['4294967295,ffffffffffffffff00000001', 4294967295, 2n ** 64n - 1n, 1],
  ['1,ffffffffffffffff00000001_1', 1, 0n, 1],
])('%s', (text, volumeId, needleId, cookie) => {
  expect(parseFileId(text)).toEqual({ volumeId, needleId, cookie });
});

test.each([
  '',
  '3',
  '3,',
  '3,637037d6',
  '3,0123456789abcdef0123456789abcdef',
  '3,01637037d6/name',
  'x,01637037d6',
  '3,01637037dg',
  '4294967296,01637037d6',
  '3,01637037d6_x',
  '../3,01637037d6',
  '3/01637037d6/a/b',
])('%j is no file id', (text) => {
  expect(() => parseFileId(text)).toThrow(expect.objectContaining({ code: 'bad-file-id' }));
});

test('what is written is read, key 0 too', () => {
  expect(formatFileId({ volumeId: 3, needleId: 1n, cookie: 0x637037d6 })).toBe('3,01637037d6');
  expect(formatFileId({ volumeId: 3, needleId: 0x100n, cookie: 1 })).toBe('3,010000000001');
  fc.assert(
    fc.property(
      fc.nat(0xffffffff),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.nat(0xffffffff),
      (volumeId, needleId, cookie) => {
        expect(parseFileId(formatFileId({ volumeId, needleId, cookie }))).toEqual({
          volumeId,
          needleId,
          cookie,
        });
      },
    ),
  );
  expect(parseFileId(formatFileId({ volumeId: 1, needleId: 0n, cookie: 7 })).needleId).toBe(0n);
});
