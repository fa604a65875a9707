import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c, isCrcOf, legacyCrc, rawCrcOfLegacy } from '../src/index.js';
import { nativeCrc32c } from '../src/node/index.js';

const ascii = (text: string) => new TextEncoder().encode(text);

describe.each([
  ['in JavaScript', crc32c],
  ['native', nativeCrc32c],
])('crc32c %s', (_, crc) => {
  test('the check value of the polynomial, and the vectors of RFC 3720', () => {
    expect(crc(ascii('123456789'))).toBe(0xe3069283);
    expect(crc(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc(new Uint8Array(0))).toBe(0);
  });

  test('goes on from a previous sum, and both agree, on either side of the length that native code takes over', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 4000, size: 'max' });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const joined = new Uint8Array([...a, ...b]);
        expect(crc(b, crc(a))).toBe(crc32c(joined));
        expect(nativeCrc32c(joined)).toBe(crc32c(joined));
      }),
      { numRuns: 50 },
    );
  });

  test('of a view that does not start at its buffer', () => {
    const whole = Uint8Array.from({ length: 3000 }, (_, i) => i * 7);
    expect(crc(whole.subarray(13, 2900))).toBe(crc32c(whole.slice(13, 2900)));
  });
});

test('the legacy encoding: its value for empty data as servers report it, reversible, accepted', () => {
  expect(legacyCrc(0)).toBe(2726488792);
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (raw, other) => {
      expect(rawCrcOfLegacy(legacyCrc(raw))).toBe(raw);
      expect(isCrcOf(raw, raw)).toBe(true);
      expect(isCrcOf(legacyCrc(raw), raw)).toBe(true);
      expect(isCrcOf(other, raw)).toBe(other === raw || other === legacyCrc(raw));
    }),
  );
});
