import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWhiteList } from '../../src/index.js';

test('addresses and ranges of both kinds, told as sockets tell them', () => {
  const list = createWhiteList(['127.0.0.1', '10.1.0.0/16', 'fd00::/8', '::1']);
  for (const inside of ['127.0.0.1', '::ffff:127.0.0.1', '10.1.255.255', '::ffff:10.1.2.3', 'fd12::7', '::1'])
    expect([inside, list.allows(inside)]).toEqual([inside, true]);
  for (const outside of [
    '127.0.0.2',
    '10.2.0.0',
    '::2',
    'fe80::1',
    '::ffff:10.2.0.1',
    '',
    'unknown',
    'localhost',
  ])
    expect([outside, list.allows(outside)]).toEqual([outside, false]);
});

test('a range has exactly the addresses that share its bits', () => {
  const address = fc.nat(0xffff_ffff);
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
  fc.assert(
    fc.property(address, address, fc.integer({ min: 0, max: 32 }), (base, other, bits) => {
      const shared = (value: number) => (bits === 0 ? 0 : value >>> (32 - bits));
      const list = createWhiteList([`${text(base)}/${bits}`]);
      expect(list.allows(text(other))).toBe(shared(base) === shared(other));
      expect(list.allows(text(base))).toBe(true);
    }),
  );
});

test('what is no address is refused with its text', () => {
  for (const wrong of ['localhost', '10.0.0.0/33', '10.0.0.256', '', '10.0.0.0/', 'fd00::/129'])
    expect(() => createWhiteList([wrong])).toThrow(RangeError);
});
