import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  IDX_WRAP_BYTES,
  idxEntrySizeBytes,
  isDeletion,
  type OffsetWidthBytes,
  offsetCandidates,
  parseIdxEntry,
  TOMBSTONE_SIZE,
  writeIdxEntry,
} from '../src/index.js';
import { goldens, read } from './fixtures.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

test('the measured example: high byte of the offset last', () => {
  const bytes = hex('0000000000000002400000130100000074');
  const entry = { needleId: 2n, offset: 0x0140000013 * 8, sizeBytes: 0x74 };
  expect(parseIdxEntry(bytes, 0, 5)).toEqual(entry);
  expect(writeIdxEntry(entry, 5)).toEqual(bytes);
});

test.each([4, 5] as OffsetWidthBytes[])('width %i: what is written is read', (width) => {
  const units = width === 4 ? 2 ** 32 - 1 : 2 ** 40 - 1;
  fc.assert(
    fc.property(
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.integer({ min: 0, max: units }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.nat(9),
      (needleId, unit, sizeBytes, at) => {
        const entry = { needleId, offset: unit * 8, sizeBytes };
        const into = writeIdxEntry(entry, width, new Uint8Array(40), at);
        expect(parseIdxEntry(into, at, width)).toEqual(entry);
        const around = into.slice();
        around.fill(0, at, at + idxEntrySizeBytes(width));
        expect(around.every((byte) => byte === 0)).toBe(true);
      },
    ),
  );
});

test.each(goldens())('$name: every entry, both ways', ({ idx, manifest }) => {
  const width = manifest.offsetBytes;
  const size = idxEntrySizeBytes(width);
  const written = new Uint8Array(idx.length);
  for (let at = 0; at < idx.length; at += size)
    writeIdxEntry(parseIdxEntry(idx, at, width), width, written, at);
  expect(written).toEqual(idx);
});

test('4-byte offsets wrap at 32 GiB when written; reading offers the places it may be', () => {
  const entry = { needleId: 1n, offset: IDX_WRAP_BYTES + 8, sizeBytes: TOMBSTONE_SIZE };
  const read4 = parseIdxEntry(writeIdxEntry(entry, 4), 0, 4);
  expect(read4.offset).toBe(8);
  expect(offsetCandidates(read4.offset, 4, IDX_WRAP_BYTES + 40)).toEqual([8, IDX_WRAP_BYTES + 8]);
  expect(offsetCandidates(8, 4, IDX_WRAP_BYTES)).toEqual([8]);
  expect(offsetCandidates(8, 5, IDX_WRAP_BYTES + 40)).toEqual([8]);
  expect(offsetCandidates(0, 4, 1000)).toEqual([]);
  expect(offsetCandidates(0, 4, IDX_WRAP_BYTES + 40)).toEqual([IDX_WRAP_BYTES]);
  expect(parseIdxEntry(writeIdxEntry(entry, 5), 0, 5)).toEqual(entry);
});

test('the deletion that a server wrote beyond 32 GiB', () => {
  const idx = read('far-offsets-sparse-o4/700.idx');
  const wrapped = parseIdxEntry(idx, idx.length - 16, 4);
  expect(isDeletion(wrapped)).toBe(true);
  expect(wrapped.offset).toBe(8);
});

test('deletions', () => {
  expect(isDeletion({ offset: 8, sizeBytes: -1 })).toBe(true);
  expect(isDeletion({ offset: 8, sizeBytes: -100 })).toBe(true);
  expect(isDeletion({ offset: 0, sizeBytes: 5 })).toBe(true);
  expect(isDeletion({ offset: 8, sizeBytes: 0 })).toBe(false);
});

test('refusals', () => {
  expect(() => parseIdxEntry(new Uint8Array(16), 0, 5)).toThrow(
    expect.objectContaining({ code: 'truncated' }),
  );
  expect(() => writeIdxEntry({ needleId: 1n, offset: 12, sizeBytes: 1 }, 4)).toThrow(RangeError);
  expect(() => writeIdxEntry({ needleId: 1n, offset: 8, sizeBytes: 1 }, 4, new Uint8Array(20), 8)).toThrow(
    RangeError,
  );
});
