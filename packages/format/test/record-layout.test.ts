import { expect, test } from 'vitest';
import {
  alignUp8,
  bodySizeBytes,
  EMPTY_NEEDLE_BODY,
  MAX_RECORD_BYTES,
  paddingLengthBytes,
  recordLengthBytes,
  tailSizeBytes,
  type Version,
} from '../src/index.js';
import {
  APPEND_AT_SIZE_BYTES,
  COOKIE_SIZE_BYTES,
  CRC_SIZE_BYTES,
  DATA_SIZE_FIELD_BYTES,
  FLAGS_SIZE_BYTES,
  LAST_MODIFIED_SIZE_BYTES,
  NEEDLE_HEADER_SIZE_BYTES,
  NEEDLE_ID_SIZE_BYTES,
  SIZE_FIELD_BYTES,
  TTL_SIZE_BYTES,
} from '../src/record-layout.js';

test('the parts add up', () => {
  expect(COOKIE_SIZE_BYTES + NEEDLE_ID_SIZE_BYTES + SIZE_FIELD_BYTES).toBe(NEEDLE_HEADER_SIZE_BYTES);
  expect(tailSizeBytes(1)).toBe(CRC_SIZE_BYTES);
  expect(tailSizeBytes(2)).toBe(CRC_SIZE_BYTES);
  expect(tailSizeBytes(3)).toBe(CRC_SIZE_BYTES + APPEND_AT_SIZE_BYTES);
  const everything = {
    ...EMPTY_NEEDLE_BODY,
    data: new Uint8Array(10),
    name: new Uint8Array(3),
    mime: new Uint8Array(0),
    lastModifiedSeconds: 1,
    ttl: { count: 1, unit: 1 },
    pairs: new Uint8Array(7),
  };
  const fixed =
    DATA_SIZE_FIELD_BYTES + FLAGS_SIZE_BYTES + 1 + 1 + LAST_MODIFIED_SIZE_BYTES + TTL_SIZE_BYTES + 2;
  expect(bodySizeBytes(everything)).toBe(fixed + 10 + 3 + 7);
});

test.each([1, 2, 3] as Version[])('version %i: padding is 1 to 8 and ends on a multiple of 8', (version) => {
  const seen = new Set<number>();
  for (let sizeBytes = 0; sizeBytes < 64; sizeBytes++) {
    const padding = paddingLengthBytes(version, sizeBytes);
    seen.add(padding);
    expect(recordLengthBytes(version, sizeBytes)).toBe(16 + sizeBytes + tailSizeBytes(version) + padding);
    expect(recordLengthBytes(version, sizeBytes) % 8).toBe(0);
  }
  expect([...seen].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('the lengths that the format page names', () => {
  expect(recordLengthBytes(3, 0)).toBe(32);
  expect(recordLengthBytes(2, 0)).toBe(24);
  expect(recordLengthBytes(1, 0)).toBe(24);
  expect(MAX_RECORD_BYTES).toBe(2 ** 31 + 32);
});

test('alignUp8 works past 2^32', () => {
  expect([0, 1, 7, 8, 9].map(alignUp8)).toEqual([0, 8, 8, 8, 16]);
  expect(alignUp8(2 ** 43 - 1)).toBe(2 ** 43);
});
