import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  crc32c,
  type FormatError,
  type FramedRecord,
  MAX_RECORD_BYTES,
  NeedleFramer,
  type NeedleFramerOptions,
  parseNeedle,
  SUPER_BLOCK_SIZE_BYTES,
  type Version,
  writeNeedle,
} from '../src/index.js';
import { cutRecords, goldenDats, goldens, layoutOf, list, read } from './fixtures.js';

type Collect = NeedleFramerOptions['collect'];

interface Framed {
  /** Bytes as text, which is much faster to compare. */
  readonly records: (Omit<FramedRecord, 'bytes'> & { readonly bytes: string | undefined })[];
  readonly error: string | undefined;
  readonly boundaryOffset: number;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Everything that comes of pushing these chunks, the error included. */
function frame(chunks: readonly Uint8Array[], options: NeedleFramerOptions): Framed {
  const framer = new NeedleFramer(options);
  const records: Framed['records'] = [];
  let error: string | undefined;
  try {
    for (const chunk of chunks) {
      for (const record of framer.push(chunk)) {
        records.push({ ...record, bytes: record.bytes && hex(record.bytes) });
      }
    }
    framer.end();
  } catch (thrown) {
    error = (thrown as FormatError).code;
  }
  return { records, error, boundaryOffset: framer.boundaryOffset };
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.slice(i === 0 ? 0 : ends[i - 1]!, end));
}

const body = (dat: Uint8Array) => dat.subarray(SUPER_BLOCK_SIZE_BYTES);
const optionsFor = (version: Version, collect: Collect): NeedleFramerOptions => ({
  version,
  collect,
  startOffset: SUPER_BLOCK_SIZE_BYTES,
});

/** Records of every shape: empty, tiny, one longer than the assembly's first size, with and without fields. */
function sampleStream(version: Version): Uint8Array {
  const large = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);
  const records = [
    writeNeedle(
      { cookie: 1, needleId: 1n, data: Uint8Array.of(1), name: 'a', lastModifiedSeconds: 5 },
      version,
    ),
    writeNeedle({ cookie: 1, needleId: 1n, appendAtNs: 2n }, version),
    writeNeedle(
      { cookie: 2, needleId: 2n ** 63n, data: large, mime: 'b/c', pairs: '{}', appendAtNs: 3n },
      version,
    ),
    writeNeedle({ cookie: 3, needleId: 3n, data: large.subarray(0, 33), storedCrc: 7 }, version),
    writeNeedle({ cookie: 4, needleId: 4n, data: large.subarray(0, 12) }, version),
  ];
  const joined = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
  let at = 0;
  for (const record of records) {
    joined.set(record, at);
    at += record.length;
  }
  return joined;
}

describe.each(goldens())('$name', ({ name, dat, manifest }) => {
  const version = layoutOf(name, dat);

  test('the records of the manifest, with sums, stamps and bytes', () => {
    const { records, error, boundaryOffset } = frame([body(dat)], optionsFor(version, 'records'));
    expect(error).toBeUndefined();
    expect(boundaryOffset).toBe(dat.length);
    expect(
      records.map(({ offset, lengthBytes, header }) => [
        offset,
        offset + lengthBytes,
        header.needleId,
        header.sizeBytes,
      ]),
    ).toEqual(manifest.records.map(({ offset, end, key, size }) => [offset, end, BigInt(`0x${key}`), size]));
    for (const record of records) {
      const needle = parseNeedle(dat.slice(record.offset, record.offset + record.lengthBytes), version);
      expect(record.bytes).toBe(hex(dat.slice(record.offset, record.offset + record.lengthBytes)));
      expect(record).toMatchObject({
        dataSizeBytes: needle.dataSizeBytes,
        crc: needle.crc,
        storedCrc: needle.storedCrc,
        appendAtNs: needle.appendAtNs,
        isCrcValid: true,
        header: { cookie: needle.cookie },
      });
    }
  });
});

test.each(goldenDats())('$name: without bytes, from one-byte chunks, the same', ({ dat, version }) => {
  const whole = frame([body(dat)], optionsFor(version, 'headers'));
  expect(whole.boundaryOffset).toBe(dat.length);
  expect(whole.records.every(({ isCrcValid, bytes }) => isCrcValid && bytes === undefined)).toBe(true);
  const dripped = frame(
    Array.from(body(dat), (byte) => Uint8Array.of(byte)),
    optionsFor(version, 'headers'),
  );
  expect(dripped).toEqual(whole);
});

describe.each([1, 2, 3] as Version[])('version %i', (version) => {
  const stream = sampleStream(version);

  test.each(['records', 'headers'] as Collect[])('any split gives the same %s', (collect) => {
    const whole = frame([stream], optionsFor(version, collect));
    expect(whole.records).toHaveLength(5);
    expect(whole.error).toBeUndefined();
    expect(whole.records.map(({ isCrcValid }) => isCrcValid)).toEqual([true, true, true, false, true]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 30 }), (cuts) => {
        expect(frame(split(stream, cuts), optionsFor(version, collect))).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test.each(['records', 'headers'] as Collect[])(
    'any split of damaged bytes gives the same %s and error',
    (collect) => {
      fc.assert(
        fc.property(
          fc.nat(stream.length - 1),
          fc.nat(255),
          fc.array(fc.nat(stream.length), { maxLength: 8 }),
          (at, value, cuts) => {
            const damaged = stream.slice();
            damaged[at] = value;
            const whole = frame([damaged], optionsFor(version, collect));
            expect(frame(split(damaged, cuts), optionsFor(version, collect))).toEqual(whole);
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});

describe('every golden record cut at every offset has one right answer', () => {
  const distinct = new Map<string, { name: string; offset: number; bytes: Uint8Array; version: Version }>();
  for (const { name, dat, version } of goldenDats()) {
    for (const { offset, bytes } of cutRecords(dat, version)) {
      distinct.set(`${version}${Buffer.from(bytes).toString('base64')}`, { name, offset, bytes, version });
    }
  }

  test.each(['records', 'headers'] as Collect[])('%s', (collect) => {
    expect(distinct.size).toBeGreaterThan(1000);
    for (const { name, offset, bytes, version } of distinct.values()) {
      const framer = new NeedleFramer({ version, startOffset: offset, collect });
      framer.end();
      for (let cut = 1; cut <= bytes.length; cut++) {
        const found = framer.push(bytes.subarray(cut - 1, cut));
        const isWhole = cut === bytes.length;
        const isRight =
          found.length === (isWhole ? 1 : 0) &&
          framer.pendingBytes === (isWhole ? 0 : cut) &&
          framer.boundaryOffset === (isWhole ? offset + bytes.length : offset);
        if (!isRight) expect.fail(`${name}: the record at ${offset} cut after ${cut} bytes`);
        if (cut < 64 || isWhole || cut % 512 === 0 || bytes.length - cut < 32)
          expect(endOf(framer)).toBe(isWhole);
      }
    }
  });

  function endOf(framer: NeedleFramer): boolean {
    try {
      framer.end();
      return true;
    } catch (error) {
      if ((error as FormatError).code !== 'truncated') throw error;
      return false;
    }
  }
});

describe('damage', () => {
  const file = (name: string) => read(`${name}/${list(name).find((each) => each.endsWith('.dat'))}`);
  const framed = (name: string) => frame([body(file(name))], optionsFor(3, 'headers'));
  const clean = framed('bad-ok-baseline-o5');

  test.each([
    ['torn-header', 'truncated'],
    ['torn-exact-header', 'truncated'],
    ['torn-mid-data', 'truncated'],
    ['torn-in-crc', 'truncated'],
    ['torn-in-timestamp', 'truncated'],
    ['torn-padding', 'truncated'],
    ['garbage-zeros-4096', 'not-a-record'],
    ['flip-data-size', 'bad-header'],
  ])('%s: %s', (name, code) => {
    const { error, records } = framed(`bad-${name}-o5`);
    expect(error).toBe(code);
    expect(records.length).toBeGreaterThan(10);
  });

  test.each(['flip-data', 'flip-crc', 'flip-data-last'])(
    '%s: one record is reported, framing goes on',
    (name) => {
      const { records, error } = framed(`bad-${name}-o5`);
      expect(error).toBeUndefined();
      expect(records).toHaveLength(clean.records.length);
      expect(records.filter(({ isCrcValid }) => !isCrcValid)).toHaveLength(1);
    },
  );

  test('a record of key 0 and cookie 0 without data is told from a hole by its stamp', () => {
    const zero = { cookie: 0, needleId: 0n };
    const stamped = writeNeedle({ ...zero, appendAtNs: 1n }, 3);
    for (const cut of [0, 16, 20, 27, 31]) {
      const { records, error } = frame(
        [stamped.subarray(0, cut), stamped.subarray(cut)],
        optionsFor(3, 'headers'),
      );
      expect(error).toBeUndefined();
      expect(records).toMatchObject([{ lengthBytes: 32, appendAtNs: 1n, header: { needleId: 0n } }]);
    }
    expect(parseNeedle(stamped, 3)).toMatchObject({ needleId: 0n, cookie: 0, appendAtNs: 1n });
    for (const version of [1, 2, 3] as const) {
      expect(frame([writeNeedle(zero, version)], optionsFor(version, 'headers')).error).toBe('not-a-record');
      expect(() => parseNeedle(writeNeedle(zero, version), version)).toThrow(
        expect.objectContaining({ code: 'not-a-record' }),
      );
    }
  });

  test('records before an error are returned first, then it is thrown by every call', () => {
    const good = writeNeedle({ cookie: 1, needleId: 1n, data: Uint8Array.of(1) }, 3);
    const bytes = new Uint8Array(good.length + 32);
    bytes.set(good);
    const framer = new NeedleFramer({ version: 3, startOffset: 8, collect: 'records' });
    expect(framer.push(bytes)).toHaveLength(1);
    expect(framer.boundaryOffset).toBe(8 + good.length);
    for (const call of [() => framer.push(good), () => framer.push(new Uint8Array(0)), () => framer.end()]) {
      expect(call).toThrow(expect.objectContaining({ code: 'not-a-record', offset: 8 + good.length }));
    }
  });

  test('sizes that cannot be', () => {
    const header = (sizeBytes: number, dataSizeBytes: number) => {
      const bytes = new Uint8Array(20);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, 1);
      view.setInt32(12, sizeBytes);
      view.setUint32(16, dataSizeBytes);
      return bytes;
    };
    expect(frame([header(-1, 0)], optionsFor(3, 'headers')).error).toBe('bad-header');
    expect(frame([header(3, 0)], optionsFor(3, 'headers')).error).toBe('bad-header');
    expect(frame([header(8, 5)], optionsFor(2, 'headers')).error).toBe('bad-header');
    expect(frame([header(-1, 0)], optionsFor(1, 'headers')).error).toBe('bad-header');
    expect(frame([header(3, 0)], optionsFor(1, 'headers')).error).toBe('truncated');
    const limited = { ...optionsFor(3, 'records'), maxRecordBytes: 1024 };
    expect(frame([header(1000, 900)], limited).error).toBe('too-large');
    expect(frame([header(900, 800)], limited).error).toBe('truncated');
    expect(frame([header(0x7fffffff, 0x7ffffff0)], optionsFor(3, 'records')).error).toBe('truncated');
    expect(MAX_RECORD_BYTES).toBeGreaterThan(0x7fffffff);
  });

  test('a start that no record can have is a caller mistake', () => {
    for (const startOffset of [-8, 4, 0.5, Number.NaN]) {
      expect(() => new NeedleFramer({ version: 3, startOffset, collect: 'headers' })).toThrow(RangeError);
    }
  });
});

describe('memory', () => {
  const record = writeNeedle({ cookie: 1, needleId: 1n, data: new Uint8Array(100_000) }, 3);

  test('a record inside a chunk is a view of it', () => {
    const chunk = new Uint8Array(record.length + 10);
    chunk.set(record);
    chunk.set(record.subarray(0, 10), record.length);
    const [found] = new NeedleFramer({ version: 3, startOffset: 0, collect: 'records' }).push(chunk);
    expect(found!.bytes!.buffer).toBe(chunk.buffer);
  });

  test('with headers only, data are summed as they come', () => {
    const lengths: number[] = [];
    const framer = new NeedleFramer({
      version: 3,
      startOffset: 0,
      collect: 'headers',
      crc32c: (bytes, previous) => {
        lengths.push(bytes.length);
        return crc32c(bytes, previous);
      },
    });
    for (let at = 0; at < record.length; at += 1000) framer.push(record.subarray(at, at + 1000));
    expect(lengths.length).toBe(101);
    expect(Math.max(...lengths)).toBe(1000);
    expect(framer.boundaryOffset).toBe(record.length);
  });

  test('records that were returned stay as they are while others are assembled', () => {
    const framer = new NeedleFramer({ version: 3, startOffset: 0, collect: 'records' });
    const other = writeNeedle({ cookie: 2, needleId: 2n, data: new Uint8Array(100_000).fill(9) }, 3);
    framer.push(record.subarray(0, 50));
    const [first] = framer.push(record.slice(50));
    framer.push(other.subarray(0, 50));
    framer.push(other.slice(50));
    expect(hex(first!.bytes!)).toBe(hex(record));
  });
});
