import { RpcError } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blobWindow } from '../src/blob-window.js';
import { collect, stockFixture, VOLUME_ID } from './stock-fixture.js';

describe('the window of a range', () => {
  const recordLengthBytes = (version: 1 | 2 | 3, size: number): number => {
    const unpadded = 16 + size + (version === 3 ? 12 : 4);
    return unpadded + 8 - (unpadded % 8);
  };

  test('is one whole record long, ends where the range ends and never has a negative size', () => {
    const range = fc.record({ offset: fc.nat(1 << 30), lengthBytes: fc.integer({ min: 1, max: 1 << 22 }) });
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const, 3 as const), range, (version, wanted) => {
        const window = blobWindow(version, wanted);
        if (!window) {
          const minimum = version === 3 ? 32 : 24;
          expect(wanted.offset + wanted.lengthBytes).toBeLessThan(Math.max(minimum, wanted.lengthBytes + 8));
          return;
        }
        expect(window.sizeField).toBeGreaterThanOrEqual(0);
        expect(recordLengthBytes(version, window.sizeField)).toBe(window.lengthBytes);
        expect(window.offset + window.skipBytes).toBe(wanted.offset);
        expect(window.offset + window.lengthBytes).toBe(wanted.offset + wanted.lengthBytes);
      }),
    );
  });
});

describe.each([
  { release: '4.44' as const, version: 3 as const },
  { release: '4.48' as const, version: 3 as const },
  { release: '4.48' as const, version: 2 as const },
  { release: '4.44' as const, version: 1 as const },
])('ranges of a version $version volume of $release', ({ release, version }) => {
  test('are exactly the bytes of the file, wherever they begin and end', async () => {
    const { stock, server, volume, signal } = await stockFixture({ release });
    if (version !== 3) {
      stock.load(new Uint8Array([version, 0, 0, 0, 0, 0, 0, 0]), new Uint8Array());
      for (let id = 1n; id < 9n; id++) stock.put(id, new Uint8Array(100).fill(Number(id)));
    }
    const dat = stock.dat;
    const range = fc.tuple(fc.nat(dat.length), fc.nat(dat.length)).map(([a, b]) => ({
      offset: Math.min(a, b),
      lengthBytes: Math.abs(a - b),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 6 }), async (ranges) => {
        const read = await collect(volume.readRanges(ranges, signal));
        const expected = ranges.map(({ offset, lengthBytes }) => dat.subarray(offset, offset + lengthBytes));
        expect(Buffer.compare(read, Buffer.concat(expected))).toBe(0);
      }),
      { numRuns: 40 },
    );
    server.assertAlive();
  });
});

test('a volume of nothing but its super block is read', async () => {
  const { volume, stock, server, signal } = await stockFixture({ needles: 0 });
  expect(await collect(volume.readRanges([{ offset: 0, lengthBytes: 8 }], signal))).toEqual(stock.dat);
  expect(await collect(volume.readRanges([{ offset: 2, lengthBytes: 3 }], signal))).toEqual(
    stock.dat.slice(2, 5),
  );
  server.assertAlive();
});

test('a range past the end is past-end, in front and behind', async () => {
  const { volume, stock, signal } = await stockFixture();
  const end = stock.dat.length;
  const behind = collect(volume.readRanges([{ offset: end - 100, lengthBytes: 101 }], signal));
  await expect(behind).rejects.toMatchObject({ code: 'past-end', volumeId: VOLUME_ID });
  const { volume: empty } = await stockFixture({ needles: 0 });
  const front = collect(empty.readRanges([{ offset: 0, lengthBytes: 9 }], signal));
  await expect(front).rejects.toMatchObject({ code: 'past-end' });
});

test('large ranges come in pieces, no more than four of them at once, and all of them are counted', async () => {
  const { volume, server, stock, signal } = await stockFixture({
    needles: 400,
    limits: { minRangeBytes: 1024, rangeBytes: 8192 },
  });
  let inFlight = 0;
  let mostInFlight = 0;
  const lengths: number[] = [];
  server.hooks = {
    async beforeCall(call) {
      if (call.method !== 'readNeedleBlob') return;
      lengths.push(call.lengthBytes!);
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      await Promise.resolve();
      inFlight--;
    },
  };
  const whole = [{ offset: 0, lengthBytes: stock.dat.length }];
  expect(Buffer.compare(await collect(volume.readRanges(whole, signal)), stock.dat)).toBe(0);
  expect(mostInFlight).toBeLessThanOrEqual(4);
  expect(Math.max(...lengths)).toBe(8192);
  expect(lengths[0]).toBe(1024);
  expect(volume.bytesReceived).toBeGreaterThanOrEqual(stock.dat.length);
});

test('at most eight are under way on one server', async () => {
  const fixture = await stockFixture({ needles: 200, limits: { minRangeBytes: 1024, rangeBytes: 1024 } });
  const { server, session, stock, signal, time } = fixture;
  for (const volumeId of [8, 9]) server.adopt(volumeId, stock.dat, stock.idx);
  let inFlight = 0;
  let mostInFlight = 0;
  server.hooks = {
    async beforeCall(call) {
      if (call.method !== 'readNeedleBlob') return;
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      await time.timers.sleep(10);
      inFlight--;
    },
  };
  const whole = [{ offset: 0, lengthBytes: stock.dat.length }];
  const reads = [VOLUME_ID, 8, 9].map((id) => collect(session.volume(id, '').readRanges(whole, signal)));
  await time.advance(60_000);
  for (const read of await Promise.all(reads)) expect(Buffer.compare(read, stock.dat)).toBe(0);
  expect(mostInFlight).toBe(8);
});

test('no range is sent while a compaction is open', async () => {
  const { volume, server, stock, signal } = await stockFixture();
  stock.compact();
  let asked = 0;
  server.hooks = {
    beforeCall: (call) => {
      if (call.method === 'readNeedleBlob') asked++;
    },
  };
  const read = collect(volume.readRanges([{ offset: 0, lengthBytes: 64 }], signal));
  await expect(read).rejects.toMatchObject({ code: 'compaction-open' });
  expect(asked).toBe(0);
  expect(await volume.compactionOpen(signal)).toBe(true);
  stock.commit();
  expect(await volume.compactionOpen(signal)).toBe(false);
});

test('an answer that was cut short does not say that no compaction is open', async () => {
  const { volume, stock, signal } = await stockFixture({
    alter: ({ direction, path }, message) =>
      direction === 'response' && path.endsWith('/CopyFile') ? undefined : message,
  });
  stock.compact();
  expect(await volume.compactionOpen(signal)).toBe(true);
  const read = collect(volume.readRanges([{ offset: 0, lengthBytes: 64 }], signal));
  await expect(read).rejects.toMatchObject({ code: 'compaction-open' });
});

test('first bytes that were cut short do not say where the file ends', async () => {
  let isCut = false;
  const { volume, signal } = await stockFixture({
    alter: ({ direction, path }, message) =>
      isCut && direction === 'response' && path.endsWith('/CopyFile') ? undefined : message,
  });
  const read = () => collect(volume.readRanges([{ offset: 0, lengthBytes: 8 }], signal));
  expect(await read()).toHaveLength(8);
  isCut = true;
  await expect(read()).rejects.toMatchObject({ code: 'bad-answer' });
});

test('a compaction that opens while ranges are under way stops them within a second', async () => {
  const { volume, server, stock, signal, time } = await stockFixture({
    needles: 200,
    limits: { minRangeBytes: 1024, rangeBytes: 1024 },
  });
  const askedAtMs: number[] = [];
  server.hooks = {
    async beforeCall(call) {
      if (call.method !== 'readNeedleBlob') return;
      askedAtMs.push(time.clock.monotonicMs());
      await time.timers.sleep(300);
    },
  };
  const read = collect(volume.readRanges([{ offset: 0, lengthBytes: stock.dat.length }], signal));
  const refused = expect(read).rejects.toMatchObject({ code: 'compaction-open' });
  await time.advance(1_500);
  stock.compact();
  await time.advance(10_000);
  await refused;
  expect(Math.max(...askedAtMs)).toBeLessThanOrEqual(2_000);
  expect(askedAtMs.length).toBeGreaterThan(8);
  stock.failCommit();
  server.assertAlive();
});

test('leaving the ranges early ends every call and every timer', async () => {
  const { volume, stock, signal, time } = await stockFixture({
    limits: { minRangeBytes: 512, rangeBytes: 512 },
  });
  for await (const _ of volume.readRanges([{ offset: 0, lengthBytes: stock.dat.length }], signal)) break;
  await time.advance(0);
  expect(time.sleeping).toBe(0);
});

test('an abort is reported with its own reason', async () => {
  const { volume, server, stock } = await stockFixture();
  const controller = new AbortController();
  const reason = new Error('enough');
  server.hooks = {
    beforeCall: (call) => {
      if (call.method === 'readNeedleBlob') controller.abort(reason);
    },
  };
  const read = collect(volume.readRanges([{ offset: 0, lengthBytes: stock.dat.length }], controller.signal));
  await expect(read).rejects.toBe(reason);
});

test('a disk error on the leader is read-failed, a broken connection unreachable', async () => {
  const { volume, server, network, stock, signal } = await stockFixture();
  const whole = [{ offset: 0, lengthBytes: stock.dat.length }];
  server.hooks = {
    beforeCall: (call) => {
      if (call.method !== 'readNeedleBlob') return;
      throw new RpcError('unknown', 'read needle blob offset 0 size 4: read /d/7.dat: input/output error');
    },
  };
  await expect(collect(volume.readRanges(whole, signal))).rejects.toMatchObject({ code: 'read-failed' });
  server.hooks = {
    beforeCall: (call) => {
      if (call.method === 'readNeedleBlob') network.dropConnections();
    },
  };
  await expect(collect(volume.readRanges(whole, signal))).rejects.toMatchObject({ code: 'unreachable' });
  await expect(volume.status(signal)).rejects.toMatchObject({ code: 'unreachable' });
});
