import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatTtl,
  NO_TTL,
  parseTtl,
  ttlFromBytes,
  ttlFromUint32,
  ttlSeconds,
  ttlToUint32,
  writeTtl,
} from '../src/index.js';

test.each([
  ['', ''],
  ['0m', ''],
  ['5', '5m'],
  ['7d', '1w'],
  ['90m', '90m'],
  ['300d', '10M'],
  ['60m', '1h'],
  ['400m', '6h'],
  ['999d', '142w'],
  ['24h', '1d'],
  ['12M', '12M'],
  ['365d', '1y'],
  ['255y', '255y'],
])('%j is normally %j', (text, normal) => {
  expect(formatTtl(parseTtl(text))).toBe(normal);
});

test.each(['m', '-1m', '1x', '1.5h', '1 m', '256y', '99999999999m', '1m2h'])('%j is no ttl', (text) => {
  expect(() => parseTtl(text)).toThrow(expect.objectContaining({ code: 'bad-ttl' }));
});

test('a normal form is its own, keeps the time where it can, and never adds any', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.constantFrom('m', 'h', 'd', 'w', 'M'), (count, unit) => {
      const asked = count * { m: 60, h: 3600, d: 86400, w: 604800, M: 2592000 }[unit]!;
      const ttl = parseTtl(`${count}${unit}`);
      expect(parseTtl(formatTtl(ttl))).toEqual(ttl);
      if (count < 256) expect(ttlSeconds(ttl)).toBe(asked);
      expect(ttlSeconds(ttl)).toBeLessThanOrEqual(asked);
    }),
  );
});

test('both stored forms keep every pair of bytes, unknown units too', () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), (count, unit) => {
      const bytes = new Uint8Array(4);
      writeTtl({ count, unit }, bytes, 1);
      expect([...bytes]).toEqual([0, count, unit, 0]);
      expect(ttlFromBytes(bytes, 1)).toEqual({ count, unit });
      expect(ttlFromUint32(ttlToUint32({ count, unit }))).toEqual({ count, unit });
      expect(ttlToUint32({ count, unit })).toBe(count * 256 + unit);
    }),
  );
  expect(ttlSeconds({ count: 5, unit: 7 })).toBe(0);
  expect(formatTtl({ count: 5, unit: 7 })).toBe('');
  expect(formatTtl(NO_TTL)).toBe('');
});
