import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../src/simulated-disk/index.js';

const HELLO = new TextEncoder().encode('hello');

async function write(
  disk: ReturnType<typeof createSimulatedDisk>,
  path: string,
  sync: boolean,
): Promise<void> {
  const file = await disk.open(path, { mode: 'create' });
  await file.writeAt(0, HELLO);
  if (sync) await file.syncData();
  await file.close();
}

test('a name survives only by a sync of its directory, content only by a sync of the file', async () => {
  const disk = createSimulatedDisk({ seed: 1 });
  disk.plant('/d/first', HELLO);
  await write(disk, '/d/both', true);
  await write(disk, '/d/name', false);
  await disk.syncDirectory('/d');
  await write(disk, '/d/content', true);
  expect(disk.files()).toEqual(['/d/both', '/d/content', '/d/first', '/d/name']);
  disk.crash('nothing');
  expect(disk.files()).toEqual(['/d/both', '/d/first', '/d/name']);
  expect(disk.peek('/d/both')).toEqual(HELLO);
  expect(disk.peek('/d/name')).toEqual(new Uint8Array(0));
});

test('a file that was replaced is there in one state or the other, never in none', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = createSimulatedDisk({ seed });
    disk.plant('/d/position', new Uint8Array([1]));
    await write(disk, '/d/position.tmp', true);
    await disk.rename('/d/position.tmp', '/d/position');
    disk.crash();
    expect([[1], [...HELLO]]).toContainEqual([...disk.peek('/d/position')]);
  }
});

test('a rename across directories waits for both', async () => {
  const disk = createSimulatedDisk({ seed: 1 });
  disk.plant('/a/file', HELLO);
  disk.plant('/b/other', HELLO);
  await disk.rename('/a/file', '/b/file');
  await disk.syncDirectory('/a');
  disk.crash('nothing');
  expect(disk.files()).toEqual(['/a/file', '/b/other']);
  await disk.rename('/a/file', '/b/file');
  await disk.syncDirectory('/b');
  await disk.syncDirectory('/a');
  disk.crash('nothing');
  expect(disk.files()).toEqual(['/b/file', '/b/other']);
});

test('what a failed sync lost is read until the power fails, and no later sync brings it back', async () => {
  const disk = createSimulatedDisk({ seed: 3 });
  disk.plant('/d/file', new Uint8Array(0));
  const file = await disk.open('/d/file', { mode: 'write' });
  const bytes = new Uint8Array(64 * 512).fill(7);
  await file.writeAt(0, bytes);
  disk.inject(({ kind }) => (kind === 'sync-data' ? 'disk-failed' : undefined));
  await expect(file.syncData()).rejects.toThrow('disk-failed');
  disk.inject(undefined);
  await file.syncData();
  expect(await file.readAt(0, bytes.length)).toEqual(bytes);
  disk.crash('everything');
  expect(disk.peek('/d/file')).not.toEqual(bytes);
});

test('a write is torn between sectors', async () => {
  const found = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = createSimulatedDisk({ seed });
    disk.plant('/d/file', new Uint8Array(1024));
    const file = await disk.open('/d/file', { mode: 'write' });
    await file.writeAt(0, new Uint8Array(1024).fill(1));
    disk.crash();
    const bytes = disk.peek('/d/file');
    expect(new Set(bytes.subarray(0, 512)).size).toBe(1);
    found.add(`${bytes[0]}${bytes[512]}`);
  }
  expect([...found].sort()).toEqual(['00', '01', '10', '11']);
});

test('after the last operation that is let through every call fails until the crash', async () => {
  const disk = createSimulatedDisk({ seed: 1 });
  disk.plant('/d/file', HELLO);
  const file = await disk.open('/d/file', { mode: 'write' });
  disk.crashAfter(1);
  await file.writeAt(0, HELLO);
  await expect(file.syncData()).rejects.toThrow('disk-failed');
  await expect(disk.stat('/d/file')).rejects.toThrow('disk-failed');
  disk.crash('process');
  await expect(file.readAt(0, 1)).rejects.toThrow('closed');
  expect(disk.operations.map(({ kind }) => kind)).toEqual(['write']);
});

test('a full disk takes part of a write', async () => {
  const disk = createSimulatedDisk({ seed: 1, capacityBytes: 100 });
  disk.plant('/d/file', new Uint8Array(0));
  const file = await disk.open('/d/file', { mode: 'write' });
  await expect(file.writeAt(0, new Uint8Array(101))).rejects.toThrow('no-space');
  expect(await file.sizeBytes()).toBe(50);
  expect(await disk.freeBytes('/d')).toBe(50);
});
