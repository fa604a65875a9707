import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../src/errors.js';
import { formatInstant, parseInstant } from '../src/instant.js';

const YEAR_9999_MS = Date.parse('9999-12-31T23:59:59.999Z');

test('agrees with Date on every millisecond of 8,000 years', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: YEAR_9999_MS }), (atMs) => {
      const iso = new Date(atMs).toISOString();
      expect(parseInstant(iso)).toBe(BigInt(atMs) * 1_000_000n);
      expect(new Date(formatInstant(BigInt(atMs) * 1_000_000n)).toISOString()).toBe(iso);
    }),
  );
});

test('keeps every nanosecond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: BigInt(YEAR_9999_MS) * 1_000_000n }), (atNs) => {
      expect(parseInstant(formatInstant(atNs))).toBe(atNs);
      expect(parseInstant(atNs.toString())).toBe(atNs);
    }),
  );
});

test.each([
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
  ['2026-01-31 12:00:00.5+01:30', '2026-01-31T10:30:00.500Z'],
  ['2024-02-29t23:59:59.000000001-00:01', '2024-03-01T00:00:59.000000001Z'],
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
])('%s is %s', (text, shown) => {
  expect(formatInstant(parseInstant(text))).toBe(shown);
});

test.each([
  '',
  'yesterday',
  '2026-01-31',
  '2026-01-31T12:00:00',
  '2026-02-30T12:00:00Z',
  '2026-13-01T12:00:00Z',
  '2026-00-10T12:00:00Z',
  '2026-01-31T24:00:00Z',
  '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:60Z',
  '2026-01-31T12:00:00.0123456789Z',
  '2026-01-31T12:00:00+24:00',
  '1969-12-31T23:59:59Z',
  '-5',
  '1234567890123456789012',
])('%j is no instant', (text) => {
  expect(() => parseInstant(text)).toThrow(FormatError);
});
