import { parseTtl } from '@holdfast/format';
import { createSeededRandom } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import {
  collect,
  directory,
  expectSound,
  inPieces,
  newMachine,
  newVolume,
  openStore,
  put,
  readAll,
  text,
} from './machine.js';

const LONG = createSeededRandom(5).bytes(3_000_001);

describe('durability', () => {
  test('a thousand writers share a few syncs, and each of them is durable when it is told so', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    env.disk.forget();
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) => put(volume, i + 1, text(`needle ${i}`.repeat(90)))),
    );
    const count = (kind: string) => env.disk.operations.filter((operation) => operation.kind === kind).length;
    expect(count('sync-data')).toBeLessThan(20);
    expect(count('write')).toBeLessThan(20);
    expect(volume.status()).toMatchObject({ liveNeedles: 1000, maxNeedleId: 1000n });
    env.disk.crash('nothing');
    const again = (await openStore(env)).find(7)!;
    for (const id of [1, 500, 1000]) expect((await readAll(again, id)).length).toBeGreaterThan(0);
    expect(again.status().liveNeedles).toBe(1000);
  });

  test('what nobody waits for can be read at once, and is durable a little later', async () => {
    const env = newMachine();
    const { store, volume } = await newVolume(env);
    let toldTimes = 0;
    store.onDurable(() => toldTimes++);
    const content = { needleId: 1n, cookie: 1 };
    await volume.write({ content, data: text('soon') }, { isDurable: false });
    expect((await readAll(volume, 1)).toString()).toBe('soon');
    expect(volume.status().datSizeBytes).toBe(8);
    expect(toldTimes).toBe(0);
    await env.time.advance(100);
    expect(volume.status().datSizeBytes).toBeGreaterThan(8);
    expect(toldTimes).toBe(1);
    await volume.delete(1n, { isDurable: false });
    await store.close();
    env.disk.crash('nothing');
    expect((await openStore(env)).find(7)!.status()).toMatchObject({ liveNeedles: 0, deletedNeedles: 1 });
  });

  test('a failed sync closes the volume for writing; mounting it gives back what was durable', async () => {
    const env = newMachine();
    const { store, volume } = await newVolume(env);
    await put(volume, 1, text('durable'));
    env.disk.inject(({ kind, path }) =>
      kind === 'sync-data' && path.endsWith('.dat') ? 'disk-failed' : undefined,
    );
    await expect(put(volume, 2, text('lost'))).rejects.toMatchObject({ code: 'disk-failed' });
    env.disk.inject(undefined);
    await expect(put(volume, 3, text('refused'))).rejects.toMatchObject({ code: 'disk-failed' });
    expect(volume.status().isReadOnly).toBe(true);
    expect((await readAll(volume, 1)).toString()).toBe('durable');
    const again = await store.mount(7);
    expect(again.status()).toMatchObject({ isReadOnly: false, liveNeedles: 1 });
    await put(again, 3, text('goes on'));
    await store.close();
    await expectSound(env);
  });

  test('a full disk refuses a write and leaves the volume as it was', async () => {
    const env = newMachine(1, 20_000);
    const { store, volume } = await newVolume(env);
    await put(volume, 1, new Uint8Array(5000));
    const before = volume.status();
    await expect(put(volume, 2, new Uint8Array(50_000))).rejects.toMatchObject({ code: 'no-space' });
    expect({ ...volume.status(), modifiedAtSeconds: 0 }).toEqual({ ...before, modifiedAtSeconds: 0 });
    await put(volume, 3, new Uint8Array(500));
    await store.close();
    await expectSound(env);
  });
});

describe('long needles', () => {
  test('an upload in pieces holds little, and leaves no file', async () => {
    const env = newMachine();
    const { store, volume } = await newVolume(env);
    const content = { needleId: 9n, cookie: 9, name: 'long.bin' };
    const pieces = () => ({ lengthBytes: LONG.length, pieces: inPieces(LONG, 70_000) });
    const written = await volume.write({ content, data: pieces() });
    expect(written).toMatchObject({ isUnchanged: false, dataSizeBytes: LONG.length, crc: env.crc32c(LONG) });
    expect((await readAll(volume, 9)).equals(LONG)).toBe(true);
    // The same again is not written, whatever it is named.
    expect(await volume.write({ content, data: pieces() })).toMatchObject({ ...written, isUnchanged: true });
    const other = LONG.slice();
    other[2_999_999]! ^= 1;
    const changed = { pieces: inPieces(other, 1 << 19) };
    expect(await volume.write({ content, data: changed })).toMatchObject({ isUnchanged: false });
    expect((await readAll(volume, 9)).equals(other)).toBe(true);
    expect(env.disk.files().filter((path) => path.includes('/uploads/'))).toEqual([]);
    expect(Math.max(...longWrites(env))).toBeLessThanOrEqual(1 << 20);
    await store.close();
    await expectSound(env);
  });

  test.each([
    ['that ends early', { lengthBytes: 2_000_000, pieces: inPieces(LONG.subarray(0, 1_999_999), 65_536) }],
    ['that is longer than announced', { lengthBytes: 10, pieces: inPieces(LONG.subarray(0, 11), 4) }],
    ['that breaks off', { pieces: breakingOff() }],
    ['that is longer than it may be', { maxBytes: 1_500_000, pieces: inPieces(LONG, 65_536) }],
  ])('an upload %s changes nothing', async (_what, data) => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    await put(volume, 1, text('before'));
    const before = volume.status();
    await expect(volume.write({ content: { needleId: 1n, cookie: 1 }, data })).rejects.toThrow();
    expect(volume.status()).toEqual(before);
    expect(env.disk.files().filter((path) => path.includes('/uploads/'))).toEqual([]);
  });

  test('a crash within an upload leaves no junk behind the next start', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    const content = { needleId: 1n, cookie: 1 };
    async function* crashing(): AsyncGenerator<Uint8Array> {
      yield LONG.subarray(0, 1_200_000);
      expect(env.disk.files().filter((path) => path.includes('/uploads/'))).toHaveLength(1);
      env.disk.crash('everything');
      yield LONG.subarray(1_200_000);
    }
    await expect(volume.write({ content, data: { pieces: crashing() } })).rejects.toThrow();
    await openStore(env);
    expect(env.disk.files().filter((path) => path.includes('/uploads/'))).toEqual([]);
  });

  test('pieces of at most 256 KiB, any part of it, and no last piece where the CRC is wrong', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    await put(volume, 1, LONG);
    const needle = await volume.open(1n, { cookie: 1 });
    expect(needle).toMatchObject({ dataSizeBytes: LONG.length, data: undefined, crc: env.crc32c(LONG) });
    for await (const piece of needle.read()) expect(piece.length).toBeLessThanOrEqual(256 << 10);
    for (const [start, end] of [
      [0, 0],
      [0, 1],
      [262_143, 262_145],
      [1, LONG.length],
      [LONG.length, LONG.length],
    ] as const)
      expect((await collect(needle.read({ start, end }))).equals(LONG.subarray(start, end))).toBe(true);
    expect(() => needle.read({ start: 0, end: LONG.length + 1 })).toThrow(RangeError);
    const dat = await env.disk.open(`${directory}/7.dat`, { mode: 'write' });
    await dat.writeAt(2_000_000, Uint8Array.of(LONG[2_000_000]! ^ 0xff, 1, 2, 3));
    const received: Uint8Array[] = [];
    const reading = async () => {
      for await (const piece of needle.read()) received.push(piece.slice());
    };
    await expect(reading()).rejects.toMatchObject({ code: 'corrupt' });
    expect(Buffer.concat(received).length).toBeLessThan(LONG.length);
    // A part is not given out at all, not even a sound one.
    const part = needle.read({ start: 0, end: 5 })[Symbol.asyncIterator]().next();
    await expect(part).rejects.toMatchObject({ code: 'corrupt' });
    await needle.close();
  });
});

async function* breakingOff(): AsyncGenerator<Uint8Array> {
  yield LONG.subarray(0, 1_900_000);
  throw new Error('the connection is gone');
}

/** Lengths of what was written for long data: the file of the upload, and the `.dat`. */
function longWrites(env: ReturnType<typeof newMachine>): number[] {
  return env.disk.operations
    .filter(({ kind, path }) => kind === 'write' && /uploads|\.dat$/.test(path))
    .map(({ lengthBytes = 0 }) => lengthBytes);
}

describe('reading', () => {
  test('by the right cookie alone; a deleted needle as long as it is remembered', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    await put(volume, 1, text('one'), { name: 'a.txt' });
    await put(volume, 2, new Uint8Array(0));
    await expect(volume.open(1n, { cookie: 2 })).rejects.toMatchObject({ code: 'cookie-mismatch' });
    await expect(volume.open(3n)).rejects.toMatchObject({ code: 'needle-not-found' });
    expect((await volume.open(2n, { cookie: 2 })).dataSizeBytes).toBe(0);
    expect(await volume.delete(1n, { cookie: 1 })).toEqual({ freedSizeBytes: 14 });
    expect(await volume.delete(2n)).toEqual({ freedSizeBytes: 0 });
    await expect(volume.delete(1n)).rejects.toMatchObject({ code: 'needle-not-found' });
    await expect(volume.open(1n)).rejects.toMatchObject({ code: 'needle-not-found' });
    const deleted = await volume.open(1n, { cookie: 1, readDeleted: true });
    expect(Buffer.from(deleted.data!).toString()).toBe('one');
    expect((await volume.open(2n, { readDeleted: true })).dataSizeBytes).toBe(0);
    await volume.compact();
    await volume.commitCompaction();
    await expect(volume.open(1n, { readDeleted: true })).rejects.toMatchObject({ code: 'needle-not-found' });
  });

  test('a needle past its ttl is not there; one without a time of modification has no end', async () => {
    const env = newMachine();
    const store = await openStore(env);
    const volume = await store.allocate({ volumeId: 7, collection: '', ttl: parseTtl('3m') });
    await put(volume, 1, text('of the volume'), { lastModifiedSeconds: 5 });
    await put(volume, 2, text('its own'), { lastModifiedSeconds: 5, ttl: parseTtl('1m') });
    await put(volume, 3, text('no time'));
    const found = async () => {
      const results = await Promise.allSettled([1n, 2n, 3n].map((id) => volume.open(id)));
      return results.map(({ status }) => status === 'fulfilled');
    };
    expect(await found()).toEqual([true, true, true]);
    await env.time.advance(61_000);
    expect(await found()).toEqual([true, false, true]);
    await env.time.advance(120_000);
    expect(await found()).toEqual([false, false, true]);
  });

  test('an expired needle is written again though its data are the same', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    const mortal = { lastModifiedSeconds: 5, ttl: parseTtl('1m') };
    await put(volume, 1, text('same'), mortal);
    expect((await put(volume, 1, text('same'), mortal)).isUnchanged).toBe(true);
    await env.time.advance(61_000);
    expect((await put(volume, 1, text('same'), mortal)).isUnchanged).toBe(false);
    expect((await readAll(volume, 1)).toString()).toBe('same');
  });

  test('a damaged needle is refused, and healed by writing it again', async () => {
    const env = newMachine();
    const { volume } = await newVolume(env);
    const { offset } = await put(volume, 1, text('good data'));
    const dat = await env.disk.open(`${directory}/7.dat`, { mode: 'write' });
    await dat.writeAt(offset + 20, text('bad'));
    await expect(volume.open(1n)).rejects.toMatchObject({ code: 'corrupt', needleId: 1n });
    expect((await put(volume, 1, text('good data'))).isUnchanged).toBe(false);
    expect((await readAll(volume, 1)).toString()).toBe('good data');
  });
});

test('a volume that is marked read-only refuses writes, and deletes unless they are allowed, over a restart', async () => {
  const env = newMachine();
  const { store, volume } = await newVolume(env);
  await put(volume, 1, text('one'));
  await put(volume, 2, text('two'));
  await volume.markReadOnly(true, { persist: true, canDelete: true });
  expect(volume.status().isReadOnly).toBe(true);
  await expect(put(volume, 3, text('three'))).rejects.toMatchObject({ code: 'read-only' });
  await volume.delete(1n);
  await store.close();
  const again = (await openStore(env)).find(7)!;
  expect(again.status().isReadOnly).toBe(true);
  await again.markReadOnly(true);
  await expect(again.delete(2n)).rejects.toMatchObject({ code: 'read-only' });
  await again.markReadOnly(false);
  await put(again, 3, text('three'));
});
