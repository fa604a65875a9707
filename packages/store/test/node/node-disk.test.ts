import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNodeDisk } from '../../src/node/index.js';
import { translateError } from '../../src/node/translate-error.js';
import { temporaryDirectory } from '../support/fixtures.js';

const disk = createNodeDisk();

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('createNodeDisk', () => {
  it('writes, reads, cuts and grows a file', async () => {
    const path = `${temporaryDirectory()}/a`;
    const file = await disk.open(path, { mode: 'create-new' });
    await file.writeAt(2, Uint8Array.of(1, 2, 3));
    expect(await file.readAt(0, 100)).toEqual(Uint8Array.of(0, 0, 1, 2, 3));
    expect(await file.readAt(5, 10)).toEqual(new Uint8Array(0));
    await file.truncate(3);
    await file.syncData();
    expect(await file.sizeBytes()).toBe(3);
    // A read of more than is there allocates no more than is there.
    expect((await file.readAt(1, 2 ** 40)).buffer.byteLength).toBe(2);
    await file.close();
    await file.close();
    await expect(file.readAt(0, 1)).rejects.toMatchObject({ code: 'closed', path });
  });

  it('opens by mode, and never cuts what is there', async () => {
    const directory = temporaryDirectory();
    await expect(disk.open(`${directory}/a`, { mode: 'read' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(disk.open(`${directory}/a`, { mode: 'write' })).rejects.toMatchObject({ code: 'not-found' });
    writeFileSync(`${directory}/a`, 'abc');
    await expect(disk.open(`${directory}/a`, { mode: 'create-new' })).rejects.toMatchObject({
      code: 'exists',
    });
    await (await disk.open(`${directory}/a`, { mode: 'create' })).close();
    expect(readFileSync(`${directory}/a`, 'utf8')).toBe('abc');
    const reader = await disk.open(`${directory}/a`, { mode: 'read' });
    await expect(reader.writeAt(0, Uint8Array.of(1))).rejects.toMatchObject({
      name: 'StoreError',
      path: `${directory}/a`,
    });
    await reader.close();
  });

  it('tells two names of one file by its key', async () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, 'a');
    writeFileSync(`${directory}/c`, 'a');
    await disk.link(`${directory}/a`, `${directory}/b`);
    symlinkSync(`${directory}/a`, `${directory}/s`);
    const keys = await Promise.all(
      ['a', 'b', 'c', 's'].map(async (name) => (await disk.stat(`${directory}/${name}`))?.fileKey),
    );
    expect(keys[1]).toBe(keys[0]);
    expect(keys[3]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
    await expect(disk.link(`${directory}/a`, `${directory}/c`)).rejects.toMatchObject({ code: 'exists' });
  });

  it('tells what a path is; one that leads nowhere is no absence', async () => {
    const directory = temporaryDirectory();
    symlinkSync(`${directory}/loop`, `${directory}/loop`);
    await expect(disk.stat(`${directory}/loop`)).rejects.toMatchObject({ code: 'disk-failed' });
    const kinds = [directory, '/dev/null', `${directory}/none`].map(
      async (path) => (await disk.stat(path))?.kind,
    );
    expect(await Promise.all(kinds)).toEqual(['directory', 'other', undefined]);
  });

  it('lists, renames, removes', async () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/sub`);
    for (const name of ['b', 'a']) writeFileSync(`${directory}/${name}`, name);
    expect(await disk.list(directory)).toEqual(['a', 'b', 'sub']);
    await disk.rename(`${directory}/a`, `${directory}/b`);
    await disk.syncDirectory(directory);
    expect(readFileSync(`${directory}/b`, 'utf8')).toBe('a');
    expect(await disk.stat(`${directory}/a`)).toBeUndefined();
    expect(await disk.stat(`${directory}/b/deeper`)).toBeUndefined();
    await disk.remove(`${directory}/b`);
    await expect(disk.remove(`${directory}/b`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(disk.makeDirectory(`${directory}/sub`)).rejects.toMatchObject({ code: 'exists' });
    await disk.removeDirectory(`${directory}/sub`);
    expect(await disk.list(directory)).toEqual([]);
    expect(await disk.freeBytes(directory)).toBeGreaterThan(0);
  });
});

describe('translateError', () => {
  it.each([
    ['ENOSPC', 'no-space'],
    ['EDQUOT', 'no-space'],
    ['EACCES', 'not-permitted'],
    ['EROFS', 'not-permitted'],
    ['EIO', 'disk-failed'],
    ['ESTALE', 'disk-failed'],
  ])('makes %s %s and keeps path and cause', (systemCode, code) => {
    const cause = systemError(systemCode);
    expect(translateError('write', '/x', cause)).toMatchObject({ code, path: '/x', cause });
  });

  it('keeps an error of the store, and tells of what has no code of the system', () => {
    const known = translateError('open', '/x', systemError('ENOENT'));
    expect(translateError('write', '/x', known)).toBe(known);
    expect(translateError('write', '/x', new Error('odd'))).toMatchObject({
      code: 'disk-failed',
      message: 'cannot write /x: the disk failed (Error: odd)',
    });
    expect(translateError('open', '/x/y', systemError('ENOTDIR'))).toMatchObject({
      code: 'not-found',
      message: 'cannot open /x/y: no directory is there',
    });
  });

  it.each(['EPERM', 'EXDEV', 'EOPNOTSUPP', 'EMLINK'])(
    'takes %s of a link for a file system without links',
    (systemCode) => {
      expect(translateError('link', '/x', systemError(systemCode)).code).toBe('links-unsupported');
      expect(translateError('link', '/x', systemError('ENOSPC')).code).toBe('no-space');
    },
  );

  // Long writes go past the page cache where that is possible, the edges and short ones through it.
  const MiB = 1024 * 1024;
  const write = fc.record({
    offset: fc.oneof(
      fc.nat(3 * MiB),
      fc.nat(768).map((page) => page * 4096),
    ),
    lengthBytes: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 250 * 1024, max: 3 * MiB })),
    seed: fc.integer({ min: 1, max: 255 }),
    readsBefore: fc.boolean(),
  });

  // A file system on a disk, and one in memory, which may refuse writes past the cache.
  it.each([tmpdir(), '/dev/shm'].filter((place) => existsSync(place)))(
    'writes of any place and length read back as written, in %s',
    async (place) => {
      const directory = mkdtempSync(`${place}/holdfast-writes-`);
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 6 }), async (writes) => {
            const path = `${directory}/a`;
            const file = await disk.open(path, { mode: 'create-new' });
            let model = Buffer.alloc(0);
            for (const { offset, lengthBytes, seed, readsBefore } of writes) {
              const bytes = new Uint8Array(lengthBytes).map((_, i) => (i * seed) ^ (i >> 8));
              if (readsBefore) await file.readAt(0, 6 * MiB);
              await file.writeAt(offset, bytes);
              const missingBytes = offset + lengthBytes - model.length;
              if (missingBytes > 0) model = Buffer.concat([model, Buffer.alloc(missingBytes)]);
              model.fill(bytes, offset, offset + lengthBytes);
              expect(model.equals(await file.readAt(0, 6 * MiB))).toBe(true);
            }
            await file.syncData();
            await file.close();
            expect(model.equals(readFileSync(path))).toBe(true);
            await disk.remove(path);
          }),
          { numRuns: 12 },
        );
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );

  it('a file that is open for reading is not written past the cache either', async () => {
    const path = `${temporaryDirectory()}/a`;
    writeFileSync(path, 'a');
    const reader = await disk.open(path, { mode: 'read' });
    await expect(reader.writeAt(0, new Uint8Array(MiB))).rejects.toMatchObject({ name: 'StoreError' });
    await reader.close();
    expect(readFileSync(path, 'utf8')).toBe('a');
  });

  it('many long writes at once each keep their own bytes', async () => {
    const path = `${temporaryDirectory()}/a`;
    const file = await disk.open(path, { mode: 'create-new' });
    const parts = Array.from({ length: 12 }, (_, i) => new Uint8Array(MiB + 4096 * (i % 3)).fill(i + 1));
    await Promise.all(parts.map((part, i) => file.writeAt(i * 2 * MiB, part)));
    for (const [i, part] of parts.entries())
      expect(Buffer.from(await file.readAt(i * 2 * MiB, part.length)).equals(part)).toBe(true);
    await file.close();
  });
});
