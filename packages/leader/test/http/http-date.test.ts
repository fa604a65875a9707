import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.js';

test('HTTP dates are those of the platform, and are read back', () => {
  fc.assert(
    fc.property(fc.nat(253_402_300_799), (seconds) => {
      const text = formatHttpDate(seconds);
      expect(text).toBe(new Date(seconds * 1000).toUTCString());
      expect(parseHttpDate(text)).toBe(seconds);
    }),
  );
  expect(formatHttpDate(2 ** 40 - 1)).toBe('Mon, 20 Feb 36812 00:36:15 GMT');
});
