import { expect, test } from 'vitest';
import { directory, expectSound, newMachine, newVolume, openStore, put, readAll, text } from './machine.js';

async function filled() {
  const env = newMachine();
  const { store, volume } = await newVolume(env);
  for (let id = 1; id <= 20; id++) await put(volume, id, text(`first ${id}`.repeat(50)));
  for (let id = 1; id <= 10; id++) await put(volume, id, text(`second ${id}`));
  return { env, store, volume };
}

test('one at a time, committed only when it is ready, and given up at any point', async () => {
  const { env, volume } = await filled();
  const refused = { code: 'compaction-state' };
  await expect(volume.commitCompaction()).rejects.toMatchObject(refused);
  const copying = volume.compact();
  expect(volume.status().isCompacting).toBe(true);
  await expect(volume.compact()).rejects.toMatchObject(refused);
  await expect(volume.commitCompaction()).rejects.toMatchObject(refused);
  await copying;
  await expect(volume.compact()).rejects.toMatchObject(refused);
  await volume.cleanupCompaction();
  expect(volume.status().isCompacting).toBe(false);
  await expect(volume.commitCompaction()).rejects.toMatchObject(refused);
  const given = volume.compact();
  await Promise.all([expect(given).rejects.toMatchObject(refused), volume.cleanupCompaction()]);
  expect(env.disk.files().filter((path) => /\.cp[dx]$/.test(path))).toEqual([]);
  await volume.compact();
  const before = volume.garbageRatio();
  expect(await volume.commitCompaction()).toMatchObject({ revision: 1 });
  expect([before > 0.3, volume.garbageRatio()]).toEqual([true, 0]);
});

test('an abort ends it, and a pace is kept', async () => {
  const { env, volume } = await filled();
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(volume.compact({ signal })).rejects.toThrow('enough');
  const copied: number[] = [];
  let isDone = false;
  const compacting = volume
    .compact({ maxBytesPerSecond: 1000, onProgress: (bytes) => copied.push(bytes) })
    .then(() => (isDone = true));
  await env.time.advance(1000);
  expect(isDone).toBe(false);
  await env.time.advance(60_000);
  await compacting;
  expect(copied.length).toBeGreaterThan(0);
});

test('readers and pins see one generation to its end', async () => {
  const { store, volume } = await filled();
  const pinned = volume.pin();
  const needle = await volume.open(15n);
  await volume.compact();
  await volume.commitCompaction();
  const after = volume.pin();
  expect(after.lineageId).not.toBe(pinned.lineageId);
  expect([pinned.superBlock.compactionRevision, after.superBlock.compactionRevision]).toEqual([0, 1]);
  expect((await pinned.dat.readAt(0, pinned.datSizeBytes)).length).toBe(pinned.datSizeBytes);
  expect(Buffer.from(needle.data!).toString()).toBe('first 15'.repeat(50));
  await needle.close();
  await pinned.close();
  await pinned.close();
  await expect(pinned.dat.readAt(0, 1)).rejects.toMatchObject({ code: 'closed' });
  expect((await after.dat.readAt(0, after.datSizeBytes)).length).toBe(after.datSizeBytes);
  await after.close();
  await store.close();
});

test('no files are exchanged in a directory whose lock was lost', async () => {
  const { env, volume } = await filled();
  await volume.compact();
  await env.disk.remove(`${directory}/.holdfast/lock`);
  await expect(volume.commitCompaction()).rejects.toMatchObject({ code: 'locked' });
  expect(env.disk.files().filter((path) => /\.cp[dx]$/.test(path))).toEqual([]);
  await put(volume, 1, text('goes on'));
  expect(volume.status().revision).toBe(0);
});

test.each(['no-space', 'disk-failed'] as const)(
  'a commit that fails with %s at any step leaves the volume serving, and all that was promised',
  async (code) => {
    for (let failing = 0, hasPassed = false; !hasPassed; failing++) {
      const { env, volume } = await filled();
      await volume.compact();
      await put(volume, 3, text('meanwhile'));
      let step = 0;
      env.disk.inject(() => (step++ === failing ? code : undefined));
      hasPassed = await volume.commitCompaction().then(
        () => step <= failing,
        () => false,
      );
      env.disk.inject(undefined);
      expect((await readAll(volume, 3)).toString()).toBe('meanwhile');
      expect((await readAll(volume, 15)).toString()).toBe('first 15'.repeat(50));
      // Behind the decision it takes no writes until it is opened again, and says so.
      const { isReadOnly } = volume.status();
      const isWritten = await put(volume, 4, text('after')).then(
        () => true,
        () => false,
      );
      expect(isWritten).toBe(!isReadOnly);
      env.disk.crash('nothing');
      const store = await openStore(env);
      const again = store.find(7)!;
      expect(again.status()).toMatchObject({ liveNeedles: 20, isReadOnly: false });
      expect((await readAll(again, 3)).toString()).toBe('meanwhile');
      expect((await readAll(again, 4)).toString()).toBe(isWritten ? 'after' : 'second 4');
      await store.close();
      await expectSound(env);
    }
  },
);

test('a signal ends the copy, and nothing any more when the copy waits for its commit', async () => {
  const env = newMachine();
  const { volume } = await newVolume(env);
  for (let id = 1; id <= 5; id++) await put(volume, id, text(`needle ${id}`));
  await expect(volume.compact({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
    'too late',
  );
  const caller = new AbortController();
  await volume.compact({ signal: caller.signal });
  caller.abort();
  await put(volume, 6, text('meanwhile'));
  await volume.commitCompaction();
  expect(`${await readAll(volume, 6)}`).toBe('meanwhile');
});
