import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Clock, parseTtl } from '@holdfast/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../src/disk.js';
import type { StoreEnvironment } from '../../src/environment.js';
import { StoreError } from '../../src/errors.js';
import { verifyFiles } from '../../src/verify.js';
import { type CreateVolumeOptions, createVolume } from '../../src/volume/create-volume.js';
import { openVolume } from '../../src/volume/open-volume.js';
import type { Volume } from '../../src/volume/volume.js';
import { temporaryDirectory } from '../support/fixtures.js';
import { collect, env } from '../support/needles.js';

const text = (content: string) => new TextEncoder().encode(content);
const at = (nowNs: () => bigint): StoreEnvironment => ({
  ...env,
  clock: { ...env.clock, nowNs } satisfies Clock,
});

async function withVolume<T>(
  options: Partial<CreateVolumeOptions> & { readonly env?: StoreEnvironment },
  run: (volume: Volume, directory: string) => Promise<T>,
): Promise<T> {
  const directory = temporaryDirectory();
  const volume = await createVolume(options.env ?? env, { directory, name: '7', ...options });
  try {
    return await run(volume, directory);
  } finally {
    await volume.close();
    expect(await collect(verifyFiles(env, { directory, name: '7' }))).toEqual([]);
  }
}

async function reopen(directory: string): Promise<Volume> {
  return openVolume(env, { directory, name: '7', mode: 'read' });
}

describe('append', () => {
  it('gives back what was appended, before and after a reopening', async () => {
    await withVolume({}, async (volume, directory) => {
      const content = { needleId: 1n, cookie: 0xabc, data: text('first'), name: 'a.txt', mime: 'text/plain' };
      const { offset, lengthBytes } = await volume.append(content);
      expect(offset).toBe(8);
      expect(volume.stats().datSizeBytes).toBe(8 + lengthBytes);
      for (const reader of [volume, await reopen(directory)]) {
        const needle = await reader.readNeedle(1n, 0xabc);
        expect(new TextDecoder().decode(needle.data)).toBe('first');
        expect(new TextDecoder().decode(needle.name)).toBe('a.txt');
        await expect(reader.readNeedle(1n, 0xabd)).rejects.toMatchObject({ code: 'cookie-mismatch' });
        await expect(reader.readNeedle(2n)).rejects.toMatchObject({ code: 'needle-not-found' });
        if (reader !== volume) await reader.close();
      }
    });
  });

  it('stamps with max(now, last + 1), also after a reopening with the clock set back', async () => {
    const directory = temporaryDirectory();
    const times = [1000n, 1000n, 500n, 2000n];
    const clocked = at(() => times.shift()!);
    const volume = await createVolume(clocked, { directory, name: '7' });
    const stamps: bigint[] = [];
    for (const cookie of [1, 2, 3, 4]) {
      stamps.push((await volume.append({ needleId: BigInt(cookie), cookie, data: text('x') })).appendAtNs);
    }
    expect(stamps).toEqual([1000n, 1001n, 1002n, 2000n]);
    await volume.close();
    const again = await openVolume(
      at(() => 3n),
      { directory, name: '7', mode: 'write' },
    );
    expect((await again.append({ needleId: 9n, cookie: 9, data: text('x') })).appendAtNs).toBe(2001n);
    await again.close();
  });

  it('keeps a live empty needle apart from a deletion', async () => {
    await withVolume({}, async (volume, directory) => {
      await volume.append({ needleId: 1n, cookie: 1, data: text('data') });
      await volume.append({ needleId: 2n, cookie: 2 });
      await volume.append({ needleId: 3n, cookie: 3 });
      await volume.delete(3n, 3);
      await volume.append({ needleId: 1n, cookie: 1 });
      await volume.sync();
      for (const reader of [volume, await reopen(directory)]) {
        expect(reader.stats().liveNeedles).toBe(2);
        expect((await reader.readNeedle(1n)).dataSizeBytes).toBe(0);
        expect((await reader.readNeedle(2n)).dataSizeBytes).toBe(0);
        await expect(reader.readNeedle(3n)).rejects.toMatchObject({ code: 'needle-not-found' });
        if (reader !== volume) await reader.close();
      }
    });
  });

  it('writes nothing for the same needle again, and refuses another cookie, also for a deleted one', async () => {
    await withVolume({}, async (volume) => {
      const first = await volume.append({ needleId: 1n, cookie: 1, data: text('same') });
      const again = await volume.append({ needleId: 1n, cookie: 1, data: text('same'), name: 'other' });
      expect(again).toMatchObject({ isUnchanged: true, offset: first.offset });
      const refused = { code: 'cookie-mismatch', needleId: 1n };
      await expect(volume.append({ needleId: 1n, cookie: 2, data: text('x') })).rejects.toMatchObject(
        refused,
      );
      await expect(volume.delete(1n, 2)).rejects.toMatchObject(refused);
      await volume.delete(1n);
      await expect(volume.append({ needleId: 1n, cookie: 2, data: text('x') })).rejects.toMatchObject(
        refused,
      );
      await expect(volume.delete(1n)).rejects.toMatchObject({ code: 'needle-not-found' });
      expect((await volume.append({ needleId: 1n, cookie: 1, data: text('same') })).isUnchanged).toBe(false);
    });
  });

  it('removes what a server derived from the index before the index changes', async () => {
    const directory = temporaryDirectory();
    await (await createVolume(env, { directory, name: '7' })).close();
    for (const derived of ['7.rdb', '7.sdx']) writeFileSync(`${directory}/${derived}`, 'x');
    await using volume = await openVolume(env, { directory, name: '7', mode: 'write' });
    await volume.append({ needleId: 1n, cookie: 1 });
    expect(readdirSync(directory).sort()).toEqual(['.holdfast', '7.dat', '7.idx', '7.vif']);
  });

  it('in a volume with a ttl gives it to needles without one, and writes every time', async () => {
    await withVolume({ ttl: parseTtl('3d') }, async (volume) => {
      await volume.append({ needleId: 1n, cookie: 1, data: text('x') });
      expect((await volume.append({ needleId: 1n, cookie: 1, data: text('x') })).isUnchanged).toBe(false);
      expect((await volume.readNeedle(1n)).ttl).toEqual(parseTtl('3d'));
    });
  });

  it.each([1, 2, 3] as const)('works in version %d and with both widths', async (version) => {
    for (const offsetWidthBytes of [4, 5] as const) {
      await withVolume({ version, offsetWidthBytes }, async (volume, directory) => {
        for (let id = 1; id <= 20; id++) {
          await volume.append({ needleId: BigInt(id), cookie: id, data: text('d'.repeat(id * 7)) });
        }
        await volume.delete(5n, 5);
        const reader = await reopen(directory);
        expect([reader.version, reader.offsetWidthBytes]).toEqual([version, offsetWidthBytes]);
        expect(reader.stats().liveNeedles).toBe(19);
        expect((await reader.readNeedle(20n)).dataSizeBytes).toBe(140);
        await reader.close();
      });
    }
  });

  it('puts concurrent appends in order, and sync says what of them is durable', async () => {
    await withVolume({}, async (volume) => {
      const appends = Array.from({ length: 50 }, (_, i) =>
        volume.append({ needleId: BigInt(i + 1), cookie: i, data: text(`needle ${i}`) }),
      );
      const appended = await Promise.all(appends);
      const offsets = appended.map((record) => record.offset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      expect(volume.stats()).toMatchObject({ durableDatSizeBytes: 8, durableIdxSizeBytes: 0 });
      await Promise.all([volume.sync(), volume.sync(), volume.sync()]);
      const { datSizeBytes, idxSizeBytes, durableDatSizeBytes, durableIdxSizeBytes } = volume.stats();
      expect([durableDatSizeBytes, durableIdxSizeBytes]).toEqual([datSizeBytes, idxSizeBytes]);
    });
  });

  it('counts what is live and what is garbage', async () => {
    await withVolume({}, async (volume, directory) => {
      const operation = fc.record({ id: fc.bigInt(1n, 6n), size: fc.integer({ min: -1, max: 90 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
          for (const { id, size } of operations) {
            if (size >= 0)
              await volume.append({ needleId: id, cookie: 1, data: new Uint8Array(size).fill(size) });
            else if (volume.find(id) !== undefined) await volume.delete(id);
          }
          await volume.sync();
          const reader = await reopen(directory);
          const { durableDatSizeBytes: _, durableIdxSizeBytes: __, ...stats } = volume.stats();
          expect(reader.stats()).toMatchObject(stats);
          const records = (await collect(reader.scan())).flat();
          const all = records.reduce((sum, record) => sum + record.lengthBytes, 0);
          expect(stats.liveBytes + stats.garbageBytes).toBe(all);
          await reader.close();
        }),
        { numRuns: 15 },
      );
    });
  });
});

/** The real disk, but for files whose next write or sync fails. */
function failingDisk(disk: Disk): {
  disk: Disk;
  failNext: (path: string, action: 'write' | 'sync' | 'truncate') => void;
} {
  const failures = new Set<string>();
  const check = (path: string, action: string) => {
    if (failures.delete(`${action} ${path}`)) throw new StoreError('no-space', 'the disk is full', { path });
  };
  const wrap = (file: DiskFile, path: string): DiskFile => ({
    ...file,
    async writeAt(offset, bytes) {
      if (failures.has(`write ${path}`)) await file.writeAt(offset, bytes.subarray(0, bytes.length >> 1));
      check(path, 'write');
      await file.writeAt(offset, bytes);
    },
    async truncate(sizeBytes) {
      check(path, 'truncate');
      await file.truncate(sizeBytes);
    },
    async syncData() {
      check(path, 'sync');
      await file.syncData();
    },
  });
  return {
    disk: { ...disk, open: async (path, options) => wrap(await disk.open(path, options), path) },
    failNext: (path, action) => failures.add(`${action} ${path}`),
  };
}

describe('a disk that fails', () => {
  it('undoes an append whose write fails', async () => {
    const { disk, failNext } = failingDisk(env.disk);
    await withVolume({ env: { ...env, disk } }, async (volume, directory) => {
      await volume.append({ needleId: 1n, cookie: 1, data: text('one') });
      const before = readFileSync(`${directory}/7.dat`);
      failNext(`${directory}/7.dat`, 'write');
      await expect(volume.append({ needleId: 2n, cookie: 2, data: text('two') })).rejects.toMatchObject({
        code: 'no-space',
      });
      expect(readFileSync(`${directory}/7.dat`)).toEqual(before);
      await volume.append({ needleId: 2n, cookie: 2, data: text('two') });
      expect(volume.stats().liveNeedles).toBe(2);
    });
  });

  it('ends the volume for writing when an append cannot be undone, and when a sync fails', async () => {
    for (const action of ['truncate', 'sync'] as const) {
      const { disk, failNext } = failingDisk(env.disk);
      const directory = temporaryDirectory();
      const volume = await createVolume({ ...env, disk }, { directory, name: '7' });
      await volume.append({ needleId: 1n, cookie: 1, data: text('one') });
      failNext(`${directory}/7.dat`, action);
      if (action === 'truncate') failNext(`${directory}/7.dat`, 'write');
      await expect(
        action === 'sync' ? volume.sync() : volume.append({ needleId: 2n, cookie: 2 }),
      ).rejects.toMatchObject({ code: 'no-space' });
      await expect(volume.append({ needleId: 3n, cookie: 3 })).rejects.toMatchObject({ code: 'no-space' });
      await expect(volume.sync()).rejects.toMatchObject({ code: 'no-space' });
      expect(volume.stats().durableDatSizeBytes).toBe(8);
      expect((await volume.readNeedle(1n)).dataSizeBytes).toBe(3);
      await volume.close();
      // What the disk may have lost though it reads right is cut.
      const again = await openVolume(env, { directory, name: '7', mode: 'write' });
      expect(again.stats()).toMatchObject({ liveNeedles: 0, datSizeBytes: 8 });
      await again.close();
    }
  });
});

describe('a volume that may not be written', () => {
  it('refuses appends when it is open for reading, marked read-only, or closed', async () => {
    const directory = temporaryDirectory();
    const volume = await createVolume(env, { directory, name: '7' });
    await volume.append({ needleId: 1n, cookie: 1, data: text('x') });
    await volume.close();
    await volume.close();
    await expect(volume.append({ needleId: 2n, cookie: 2 })).rejects.toMatchObject({ code: 'closed' });
    const reader = await reopen(directory);
    expect(reader.isReadOnly).toBe(true);
    await expect(reader.append({ needleId: 2n, cookie: 2 })).rejects.toMatchObject({ code: 'read-only' });
    await reader.close();
    await expect(createVolume(env, { directory, name: '7' })).rejects.toMatchObject({ code: 'exists' });
    await expect(reopen(`${directory}/nowhere`)).rejects.toMatchObject({ code: 'not-found' });
  });
});
