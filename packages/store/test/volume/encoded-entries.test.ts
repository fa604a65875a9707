import { idxEntrySizeBytes, writeIdxEntry } from '@holdfast/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EncodedEntries } from '../../src/volume/encoded-entries.js';

test('entries come back one behind the other, whatever their number', () => {
  const aroundChunks = fc.constantFrom(0, 1, 127, 128, 129, 384, 385, 32_639, 32_640, 32_641, 60_000);
  fc.assert(
    fc.property(fc.constantFrom(4 as const, 5 as const), aroundChunks, (width, count) => {
      const entryAt = (i: number) => ({ needleId: BigInt(i), offset: 8 * i, sizeBytes: i });
      const entries = new EncodedEntries(width);
      for (let i = 0; i < count; i++) entries.push(entryAt(i));
      const bytes = Buffer.concat([...entries.pieces()]);
      expect([entries.count, entries.sizeBytes]).toEqual([count, bytes.length]);
      const size = idxEntrySizeBytes(width);
      for (let i = 0; i < count; i++) {
        if (!bytes.subarray(i * size, (i + 1) * size).equals(writeIdxEntry(entryAt(i), width)))
          throw new Error(`entry ${i} of ${count}`);
      }
    }),
    { numRuns: 40 },
  );
});
