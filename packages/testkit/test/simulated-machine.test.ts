import { lockDirectory } from '@holdfast/store';
import { expect, test } from 'vitest';
import {
  createSimulatedDisk,
  createSimulatedMachine,
  createSimulatedScheduler,
  type DiskAccess,
} from '../src/index.js';

function newMachine() {
  const scheduler = createSimulatedScheduler();
  const disk = createSimulatedDisk({ seed: 1 });
  disk.plant('/d/file', new Uint8Array([1, 2, 3]));
  return { scheduler, disk, machine: createSimulatedMachine({ scheduler, disk, seed: 2 }) };
}

test('of a process that is killed nothing has any effect, and nothing is ever answered', async () => {
  const { scheduler, disk, machine } = newMachine();
  const process = machine.startProcess({
    onAccess({ kind }) {
      if (kind === 'write') process.kill();
      return undefined;
    },
  });
  const end = await scheduler.run(async () => {
    const file = await process.env.disk.open('/d/file', { mode: 'write' });
    await file.writeAt(0, new Uint8Array([9])).finally(() => disk.plant('/d/answered', new Uint8Array(0)));
  }, 1000);
  expect(end.kind).toBe('stuck');
  expect(process.isDead).toBe(true);
  expect([...disk.peek('/d/file')]).toEqual([1, 2, 3]);
  expect(disk.files()).toEqual(['/d/file']);
});

test('what a dead process had locked is free, what a living one has is not', async () => {
  const { machine } = newMachine();
  const first = machine.startProcess();
  await lockDirectory(first.env, '/d');
  await expect(lockDirectory(machine.startProcess().env, '/d')).rejects.toMatchObject({ code: 'locked' });
  first.kill();
  const lock = await lockDirectory(machine.startProcess().env, '/d');
  await lock.assertHeld();
  machine.crash('power');
  await lockDirectory(machine.startProcess().env, '/d');
});

test('an access fails as it is told to: one that changes something does so half', async () => {
  const { machine, disk } = newMachine();
  const failing = (wanted: DiskAccess['kind']) =>
    machine.startProcess({ onAccess: ({ kind }) => (kind === wanted ? 'no-space' : undefined) }).env.disk;
  const file = await failing('write').open('/d/file', { mode: 'write' });
  await expect(file.writeAt(3, new Uint8Array([4, 5, 6, 7]))).rejects.toMatchObject({ code: 'no-space' });
  expect([...disk.peek('/d/file')]).toEqual([1, 2, 3, 4, 5]);
  await expect(failing('open').open('/d/file', { mode: 'read' })).rejects.toMatchObject({ code: 'no-space' });
  await expect(failing('rename').rename('/d/file', '/d/other')).rejects.toMatchObject({ code: 'no-space' });
  expect(disk.files()).toEqual(['/d/file']);
});

test('a rotten bit is read and outlives the power; of another file than before it is only after a touch', async () => {
  const { disk } = newMachine();
  const before = await disk.stat('/d/file');
  disk.flip('/d/file', 1, 7);
  expect(await disk.stat('/d/file')).toEqual(before);
  disk.touch('/d/file');
  disk.crash('nothing');
  expect([...disk.peek('/d/file')]).toEqual([1, 130, 3]);
  expect(await disk.stat('/d/file')).not.toEqual(before);
});

test('a write is torn as small as the disk is said to tear, and its length may come without its bytes', async () => {
  const found = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = createSimulatedDisk({ seed, tearBytes: 8 });
    disk.plant('/d/file', new Uint8Array(0));
    const file = await disk.open('/d/file', { mode: 'write' });
    await file.writeAt(0, new Uint8Array(24).fill(1));
    disk.crash('power');
    found.add(disk.peek('/d/file').join(''));
  }
  expect(found).toContain('0'.repeat(24));
  expect(found).toContain(`${'1'.repeat(8)}${'0'.repeat(8)}${'1'.repeat(8)}`);
});

test('what is durable can be looked at while the machine runs', async () => {
  const { disk } = newMachine();
  const file = await disk.open('/d/file', { mode: 'write' });
  await file.writeAt(0, new Uint8Array([9]));
  expect([...disk.peekDurable('/d/file')!]).toEqual([1, 2, 3]);
  await file.syncData();
  expect([...disk.peekDurable('/d/file')!]).toEqual([9, 2, 3]);
  await disk.rename('/d/file', '/d/renamed');
  expect(disk.peekDurable('/d/renamed')).toBeUndefined();
});
