import { createSeededRandom } from '@holdfast/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRanges } from '../src/read-ranges.js';
import { bytesOf, signal } from './rig.js';

const FILE = createSeededRandom(1).bytes(3_000_000);
const NAME = { volumeId: 7, collection: '' };

function sourceOf(file: Uint8Array) {
  const source = {
    reads: 0,
    sizeBytes: async () => file.length,
    async readAt(offset: number, lengthBytes: number) {
      source.reads++;
      return file.slice(offset, offset + lengthBytes);
    },
  };
  return source;
}

test('ranges of any length in any order, exactly', async () => {
  const range = fc
    .tuple(fc.nat(FILE.length), fc.oneof(fc.nat(200), fc.nat(100_000), fc.nat(2_500_000)))
    .map(([offset, lengthBytes]) => ({ offset, lengthBytes: Math.min(lengthBytes, FILE.length - offset) }));
  await fc.assert(
    fc.asyncProperty(fc.array(range, { maxLength: 12 }), fc.boolean(), async (ranges, isSorted) => {
      if (isSorted) ranges.sort((a, b) => a.offset - b.offset);
      const expected = ranges.map(({ offset, lengthBytes }) => FILE.subarray(offset, offset + lengthBytes));
      const found = await bytesOf(readRanges(sourceOf(FILE), NAME, ranges, signal));
      expect(Buffer.concat(expected).equals(found)).toBe(true);
    }),
  );
});

test('many small ranges in few reads and few chunks', async () => {
  const ranges = Array.from({ length: 700 }, (_, i) => ({ offset: i * 4000, lengthBytes: 48 }));
  const source = sourceOf(FILE);
  const chunks: number[] = [];
  for await (const chunk of readRanges(source, NAME, ranges, signal)) chunks.push(chunk.length);
  expect(chunks).toEqual([700 * 48]);
  expect(source.reads).toBeLessThan(5);
});

test('a file that ends before a range does', async () => {
  const short = sourceOf(FILE.subarray(0, 1000));
  const ranges = [
    { offset: 0, lengthBytes: 10 },
    { offset: 990, lengthBytes: 20 },
  ];
  await expect(bytesOf(readRanges(short, NAME, ranges, signal))).rejects.toMatchObject({ code: 'past-end' });
});
