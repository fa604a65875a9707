import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteRange, parseRanges } from '../../src/http/byte-range.js';

const size = fc.integer({ min: 0, max: 1000 });
/** A range of numbers, and what RFC 9110 §14.1.2 says it selects of `sizeBytes`. */
const spec = fc.oneof(
  fc.tuple(fc.nat(1200), fc.nat(1200)).map(([a, b]) => {
    const [first, last] = a <= b ? [a, b] : [b, a];
    return {
      text: `${first}-${last}`,
      selects: (sizeBytes: number) => ({ start: first, end: Math.min(sizeBytes, last + 1) }),
    };
  }),
  fc.nat(1200).map((first) => ({
    text: `${first}-`,
    selects: (sizeBytes: number) => ({ start: first, end: sizeBytes }),
  })),
  fc.nat(1200).map((suffix) => ({
    text: `-${suffix}`,
    selects: (sizeBytes: number) => ({ start: Math.max(0, sizeBytes - suffix), end: sizeBytes }),
  })),
);
const isNone = ({ start, end }: ByteRange) => end <= start;

describe('the ranges of a header', () => {
  test('are what each of them selects, those of nothing left out', () => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 5 }), size, (specs, sizeBytes) => {
        const wanted = specs.map(({ selects }) => selects(sizeBytes)).filter((range) => !isNone(range));
        const asked = wanted.reduce((sum, { start, end }) => sum + end - start, 0);
        const found = parseRanges(`bytes=${specs.map(({ text }) => text).join(' , ')}`, sizeBytes, 5);
        if (wanted.length === 0) expect(found).toEqual({ kind: 'unsatisfiable' });
        else if (wanted.length > 1 && asked > sizeBytes) expect(found).toEqual({ kind: 'all' });
        else expect(found).toEqual({ kind: 'ranges', ranges: wanted });
      }),
    );
  });

  test('whatever text comes, they lie within the content', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('b', 'y', '=', '-', ',', ' ', '0', '9', '5', '\t'),
          maxLength: 30,
        }),
        size,
        (text, sizeBytes) => {
          const found = parseRanges(`bytes=${text}`, sizeBytes, 3);
          if (found.kind !== 'ranges') return;
          for (const { start, end } of found.ranges) {
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeGreaterThan(start);
            expect(end).toBeLessThanOrEqual(sizeBytes);
          }
        },
      ),
    );
  });

  test.each([
    ['bytes=', 'invalid'],
    ['bytes=-', 'invalid'],
    ['bytes=5-4', 'invalid'],
    ['bytes=a-b', 'invalid'],
    ['bytes=0-4,', 'invalid'],
    ['bytes=0 -4', 'invalid'],
    ['bytes=--4', 'invalid'],
    ['bytes=0-1-2', 'invalid'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=0-0,1-1,2-2,3-3', 'too-many'],
    ['lines=0-4', 'all'],
    ['', 'all'],
    ['bytes 0-4', 'all'],
    ['BYTES=0-4', 'ranges'],
    ['bytes=0-99999999999999999999', 'ranges'],
  ])('%j of ten bytes: %s', (header, kind) => {
    expect(parseRanges(header, 10, 3).kind).toBe(kind);
  });
});
