import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  crc32c,
  FLAG_COMPRESSED,
  FLAG_NAME,
  formatTtl,
  legacyCrc,
  type NeedleContent,
  NO_TTL,
  parseIdxEntry,
  parseNeedle,
  recordLengthBytes,
  type Version,
  writeNeedle,
  writeNeedleEnds,
} from '../src/index.js';
import { cutRecords, goldenDats, goldens, layoutOf, list, read } from './fixtures.js';

const utf8 = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes ?? new Uint8Array(0));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const refusal = (code: string) => expect.objectContaining({ name: 'FormatError', code });

test.each(goldenDats())('$name: written as it was read, byte for byte', ({ dat, version }) => {
  for (const { offset, bytes } of cutRecords(dat, version)) {
    const needle = parseNeedle(bytes, version);
    expect(Buffer.from(writeNeedle(needle, version)).toString('hex'), `at ${offset}`).toBe(
      Buffer.from(bytes).toString('hex'),
    );
  }
});

test.each(goldenDats())('$name: the ends of a record are what stands around its data', ({ dat, version }) => {
  for (const { bytes } of cutRecords(dat, version)) {
    const needle = parseNeedle(bytes, version);
    if (needle.data.length === 0) continue;
    const { head, tail, sizeBytes } = writeNeedleEnds(needle, needle.data.length, version);
    expect(Buffer.concat([head, needle.data, tail]).equals(bytes)).toBe(true);
    expect(sizeBytes).toBe(needle.sizeBytes);
  }
  expect(() => writeNeedleEnds({ needleId: 1n, cookie: 1, storedCrc: 0 }, 0, version)).toThrow(RangeError);
});

describe.each(goldens())('$name', ({ name, dat, idx, manifest }) => {
  const version = layoutOf(name, dat);

  test('every record as the server tells it', () => {
    const records = cutRecords(dat, version);
    expect(records.map(({ offset, bytes }) => [offset, offset + bytes.length])).toEqual(
      manifest.records.map(({ offset, end }) => [offset, end]),
    );
    for (const [i, { bytes }] of records.entries()) {
      const told = manifest.records[i]!;
      const needle = parseNeedle(bytes, version);
      expect(needle.needleId).toBe(BigInt(`0x${told.key}`));
      expect(needle.sizeBytes).toBe(told.size);
      if (told.serverMeta?.append_at_ns === undefined || version === 1) continue;
      expect(needle.cookie).toBe(told.serverMeta.cookie);
      expect(needle.appendAtNs).toBe(BigInt(told.serverMeta.append_at_ns));
      expect(legacyCrc(needle.storedCrc)).toBe(told.serverMeta.crc);
    }
  });

  test('every live needle as the server tells it', () => {
    const entrySize = manifest.offsetBytes === 4 ? 16 : 17;
    const last = new Map<bigint, number>();
    for (let at = 0; at < idx.length; at += entrySize) {
      const entry = parseIdxEntry(idx, at, manifest.offsetBytes);
      last.set(entry.needleId, entry.sizeBytes < 0 ? 0 : entry.offset);
    }
    for (const live of manifest.live) {
      const offset = last.get(BigInt(`0x${live.key}`))!;
      const sizeBytes = new DataView(dat.buffer, dat.byteOffset).getInt32(offset + 12);
      const needle = parseNeedle(dat.slice(offset, offset + recordLengthBytes(version, sizeBytes)), version);
      expect(needle.cookie).toBe(Number.parseInt(live.cookie, 16));
      if (live.etag !== undefined) expect(live.etag).toBe(`"${needle.crc.toString(16).padStart(8, '0')}"`);
      if (live.storedSha256 !== undefined) expect(sha256(needle.data)).toBe(live.storedSha256);
      if (version === 1) continue;
      const content = needle.isCompressed ? gunzipSync(needle.data) : needle.data;
      expect(sha256(content)).toBe(live.sha256);
      if (live.isCompressed !== undefined) expect(needle.isCompressed).toBe(live.isCompressed);
      if (live.storedSize === undefined) continue;
      expect(needle.dataSizeBytes).toBe(live.storedSize);
      expect(utf8(needle.name)).toBe(live.name);
      expect(utf8(needle.mime)).toBe(live.mime);
      expect(needle.lastModifiedSeconds ?? 0).toBe(live.lastModified);
      expect(JSON.parse(utf8(needle.pairs) || '{}')).toEqual(live.pairs);
      const { ttl } = live.readBack?.needleStatus ?? {};
      if (ttl !== undefined) expect(formatTtl(needle.ttl ?? NO_TTL)).toBe(ttl);
    }
  });
});

test('the legacy encoding on disk is valid, and is kept or made raw', () => {
  const dat = read(`bad-legacy-crc-o5/${list('bad-legacy-crc-o5').find((file) => file.endsWith('.dat'))}`);
  const needles = cutRecords(dat, 3).map(({ bytes }) => ({ bytes, needle: parseNeedle(bytes, 3) }));
  const legacy = needles.filter(({ needle }) => needle.dataSizeBytes > 0 && needle.storedCrc !== needle.crc);
  expect(legacy.length).toBeGreaterThan(0);
  for (const { bytes, needle } of legacy) {
    expect(needle.storedCrc).toBe(legacyCrc(needle.crc));
    expect(writeNeedle(needle, 3)).toEqual(bytes);
    const raw = parseNeedle(writeNeedle({ ...needle, storedCrc: undefined }, 3), 3);
    expect(raw.storedCrc).toBe(needle.crc);
  }
});

const contents: fc.Arbitrary<NeedleContent> = fc.record({
  cookie: fc.nat(0xffffffff),
  needleId: fc.bigInt(0n, 2n ** 64n - 1n),
  data: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  flags: fc.constantFrom(0, FLAG_COMPRESSED, 0x80, 0x40),
  name: fc.option(fc.uint8Array({ maxLength: 255 }), { nil: undefined }),
  mime: fc.option(fc.uint8Array({ maxLength: 255 }), { nil: undefined }),
  lastModifiedSeconds: fc.option(fc.nat(2 ** 40 - 1), { nil: undefined }),
  ttl: fc.option(fc.record({ count: fc.nat(255), unit: fc.nat(255) }), { nil: undefined }),
  pairs: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  appendAtNs: fc.bigInt(0n, 2n ** 64n - 1n),
});

test.each([2, 3] as Version[])('version %i: what is written is read, with either padding', (version) => {
  fc.assert(
    fc.property(contents, fc.constantFrom('go' as const, 'zeros' as const), (content, padding) => {
      const needle = parseNeedle(writeNeedle(content, version, { padding }), version);
      for (const key of [
        'cookie',
        'needleId',
        'data',
        'name',
        'mime',
        'lastModifiedSeconds',
        'ttl',
        'pairs',
      ] as const) {
        expect(needle[key]).toEqual(content[key]);
      }
      expect(needle.crc).toBe(crc32c(content.data!));
      expect(needle.appendAtNs).toBe(version === 3 ? content.appendAtNs : 0n);
      expect(needle.flags & 0xc1).toBe(content.flags);
    }),
  );
});

test('version 1 keeps cookie, id and data', () => {
  const data = Uint8Array.of(1, 2, 3);
  const needle = parseNeedle(writeNeedle({ cookie: 9, needleId: 5n, data, name: 'x' }, 1), 1);
  expect(needle).toMatchObject({ cookie: 9, needleId: 5n, sizeBytes: 3, dataSizeBytes: 3, name: undefined });
  expect(needle.data).toEqual(data);
});

test('without data nothing but the header is kept; a deletion carries the sum of what was deleted', () => {
  const record = writeNeedle(
    { cookie: 1, needleId: 2n, name: 'gone', storedCrc: 0xdeadbeef, appendAtNs: 7n },
    3,
  );
  expect(record).toHaveLength(32);
  expect(parseNeedle(record, 3)).toMatchObject({
    sizeBytes: 0,
    crc: 0,
    storedCrc: 0xdeadbeef,
    appendAtNs: 7n,
    isCrcValid: true,
  });
});

test('times keep 40 bits', () => {
  const content = { cookie: 1, needleId: 1n, data: Uint8Array.of(1) };
  const needle = parseNeedle(writeNeedle({ ...content, lastModifiedSeconds: 2 ** 40 + 1 }, 3), 3);
  expect(needle.lastModifiedSeconds).toBe(1);
  expect(() => writeNeedle({ ...content, lastModifiedSeconds: -1 }, 3)).toThrow(RangeError);
  expect(() => writeNeedle({ ...content, name: 'x'.repeat(256) }, 3)).toThrow(RangeError);
});

describe('damage', () => {
  const record = writeNeedle({ cookie: 1, needleId: 2n, data: Uint8Array.of(1, 2, 3), name: 'abc' }, 3);
  const changed = (at: number, value: number) => {
    const copy = record.slice();
    copy[at] = value;
    return copy;
  };

  test('each has its code', () => {
    expect(() => parseNeedle(record.subarray(0, 10), 3)).toThrow(refusal('truncated'));
    expect(() => parseNeedle(new Uint8Array(32), 3)).toThrow(refusal('not-a-record'));
    expect(() => parseNeedle(changed(12, 0x80), 3)).toThrow(refusal('bad-header'));
    expect(() => parseNeedle(record.subarray(0, record.length - 8), 3)).toThrow(refusal('bad-length'));
    expect(() => parseNeedle(changed(16, 1), 3)).toThrow(refusal('bad-body'));
    expect(() => parseNeedle(changed(24, 200), 3)).toThrow(refusal('bad-body'));
    expect(() => parseNeedle(changed(20, 9), 3)).toThrow(refusal('bad-crc'));
    expect(parseNeedle(changed(20, 9), 3, { onBadCrc: 'report' })).toMatchObject({ isCrcValid: false });
  });

  test('a body may end early between two fields, and go on behind the last one', () => {
    const bare = { cookie: 1, needleId: 2n };
    const long = writeNeedle({ ...bare, data: Uint8Array.of(7), mime: new Uint8Array(3) }, 3);
    const flags = 16 + 4 + 1;
    const view = new DataView(long.buffer);
    const without = long.slice();
    without[flags] = 0;
    expect(parseNeedle(without, 3).mime).toBeUndefined();
    expect(view.getInt32(12)).toBe(10);

    const dataOnly = new Uint8Array(recordLengthBytes(2, 5));
    dataOnly.set([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 1, 7]);
    new DataView(dataOnly.buffer).setUint32(21, crc32c(Uint8Array.of(7)));
    expect(parseNeedle(dataOnly, 2)).toMatchObject({ dataSizeBytes: 1, flags: 0 });

    const flagsOnly = new Uint8Array(recordLengthBytes(2, 6));
    flagsOnly.set(dataOnly.subarray(0, 21));
    flagsOnly[15] = 6;
    flagsOnly[21] = FLAG_NAME;
    new DataView(flagsOnly.buffer).setUint32(22, crc32c(Uint8Array.of(7)));
    expect(parseNeedle(flagsOnly, 2)).toMatchObject({ name: undefined, flags: FLAG_NAME });
  });

  test('any bytes give a needle or a typed error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(1, 2, 3) as fc.Arbitrary<Version>,
        (bytes, version) => {
          try {
            parseNeedle(bytes, version);
          } catch (error) {
            expect(error).toMatchObject({ name: 'FormatError' });
          }
        },
      ),
    );
    fc.assert(
      fc.property(fc.nat(record.length - 1), fc.nat(255), (at, value) => {
        try {
          parseNeedle(changed(at, value), 3);
        } catch (error) {
          expect(error).toMatchObject({ name: 'FormatError' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
