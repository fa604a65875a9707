import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DiskFile } from '../../src/index.js';
import { openNodeFile } from '../../src/node/node-file.js';
import { temporaryDirectory } from '../support/fixtures.js';
import { createPartialHandles, type Transfer } from '../support/partial-handles.js';

const KiB = 1024;

const transfers = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Transfer>({ kind: 'whole' }) },
    {
      weight: 8,
      arbitrary: fc
        .double({ min: 0, max: 0.99, noNaN: true })
        .map<Transfer>((share) => ({ kind: 'short', share })),
    },
    { weight: 4, arbitrary: fc.constant<Transfer>({ kind: 'none' }) },
    {
      weight: 6,
      arbitrary: fc
        .constantFrom('EIO', 'EINTR', 'ENOSPC', 'EDQUOT', 'EINVAL')
        .map<Transfer>((code) => ({ kind: 'error', code })),
    },
  ),
  { maxLength: 40, size: 'max' },
);

const call = fc.record({
  isRead: fc.boolean(),
  offset: fc.oneof(
    fc.nat(9000),
    fc.nat(64).map((page) => page * 4096),
  ),
  lengthBytes: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 260 * KiB, max: 600 * KiB })),
  seed: fc.integer({ min: 1, max: 255 }),
});

/** Whether it was done; a failure has a code of the disk's. */
async function isDone(run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    expect(error).toMatchObject({
      name: 'StoreError',
      code: expect.stringMatching(/^(disk-failed|no-space)$/),
    });
    return false;
  }
}

/** The first byte that is neither as it was nor, within the write, as it was to be. */
function strayByte(found: Buffer, before: Buffer, offset: number, bytes: Uint8Array): number {
  return found.findIndex((byte, at) => byte !== (before[at] ?? 0) && byte !== bytes[at - offset]);
}

function written(before: Buffer, offset: number, bytes: Uint8Array): Buffer {
  const after = Buffer.alloc(Math.max(before.length, offset + bytes.length));
  before.copy(after);
  after.set(bytes, offset);
  return after;
}

describe('a system that transfers less than it was asked for', () => {
  // A file system on a disk, and one in memory, which may refuse writes past the cache.
  it.each([tmpdir(), '/dev/shm'].filter((place) => existsSync(place)))(
    'is mended, or told of, and nothing else is touched, in %s',
    async (place) => {
      const directory = mkdtempSync(`${place}/holdfast-partial-`);
      const path = `${directory}/a`;
      const seen = new Map<string, number>();
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.array(call, { minLength: 1, maxLength: 8 }),
            transfers,
            async (calls, planned) => {
              writeFileSync(path, '');
              const handles = createPartialHandles(planned);
              const file = await openNodeFile(path, 'write', handles.openHandle);
              let model = Buffer.alloc(0);
              for (const { isRead, offset, lengthBytes, seed } of calls) {
                if (isRead) {
                  const wanted = model.subarray(offset, offset + lengthBytes);
                  await isDone(async () => {
                    const bytes = await file.readAt(offset, lengthBytes);
                    // Where the system says that nothing is left it is believed.
                    const isEnded = (handles.counts.get('plain read: none') ?? 0) > 0;
                    expect(wanted.subarray(0, isEnded ? bytes.length : wanted.length).equals(bytes)).toBe(
                      true,
                    );
                  });
                  continue;
                }
                const bytes = new Uint8Array(lengthBytes).map((_, i) => (i * seed) ^ (i >> 8));
                const hasWritten = await isDone(() => file.writeAt(offset, bytes));
                const found = readFileSync(path);
                if (hasWritten) expect(found.equals(written(model, offset, bytes))).toBe(true);
                else expect(strayByte(found, model, offset, bytes)).toBe(-1);
                expect(found.length).toBeGreaterThanOrEqual(model.length);
                model = found;
              }
              await file.close();
              expect(handles.openCount()).toBe(0);
              for (const [name, count] of handles.counts) seen.set(name, (seen.get(name) ?? 0) + count);
            },
          ),
          { numRuns: 60 },
        );
      } finally {
        rmSync(directory, { recursive: true });
      }
      // Nothing is proved of what never came.
      for (const name of [
        'plain write: short',
        'plain read: short',
        'plain write: ENOSPC',
        'plain write: none',
      ])
        expect(seen.get(name), name).toBeGreaterThan(0);
    },
  );

  async function opened(planned: readonly Transfer[], refuses?: (path: string) => string | undefined) {
    const path = `${temporaryDirectory()}/a`;
    const handles = createPartialHandles(planned, refuses);
    const file: DiskFile = await openNodeFile(path, 'create', handles.openHandle);
    return { path, handles, file };
  }

  it('and takes nothing at all, without an error, is not asked for ever', async () => {
    const { file, handles } = await opened([{ kind: 'whole' }, ...Array(5).fill({ kind: 'none' })]);
    await file.writeAt(0, Uint8Array.of(1));
    await expect(file.writeAt(0, Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
      code: 'disk-failed',
      message: expect.stringContaining('none of 3 bytes'),
    });
    expect(handles.counts.get('plain write: none')).toBe(1);
    await file.close();
  });

  it('and is full in the middle of a write says so', async () => {
    const { file, path } = await opened([
      { kind: 'short', share: 0.5 },
      { kind: 'error', code: 'ENOSPC' },
    ]);
    await expect(file.writeAt(0, new Uint8Array(100).fill(7))).rejects.toMatchObject({ code: 'no-space' });
    expect(readFileSync(path)).toEqual(Buffer.alloc(50, 7));
    await file.close();
  });

  it('has no descriptor left: the file fails to open, or is written through the cache', async () => {
    const path = `${temporaryDirectory()}/a`;
    const full = createPartialHandles([], () => 'EMFILE');
    await expect(openNodeFile(path, 'create', full.openHandle)).rejects.toMatchObject({
      code: 'disk-failed',
      path,
    });
    const {
      file,
      handles,
      path: second,
    } = await opened([], (name) => (name.startsWith('/proc/') ? 'EMFILE' : undefined));
    await file.writeAt(3, new Uint8Array(600 * KiB).fill(9));
    await file.close();
    expect(readFileSync(second).equals(Buffer.concat([Buffer.alloc(3), Buffer.alloc(600 * KiB, 9)]))).toBe(
      true,
    );
    expect([...handles.counts.keys()]).toEqual(['plain write: whole']);
  });

  it.runIf(process.platform === 'linux')('cuts a write past the cache within a page', async () => {
    const { file, path, handles } = await opened([
      { kind: 'short', share: 0.33 },
      { kind: 'short', share: 0.0001 },
    ]);
    const bytes = new Uint8Array(512 * KiB).map((_, i) => (i * 7) ^ (i >> 8));
    await file.writeAt(0, bytes);
    await file.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(handles.openCount()).toBe(0);
  });
});
