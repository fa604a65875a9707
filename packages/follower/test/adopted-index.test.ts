import { idxEntrySizeBytes } from '@holdfast/format';
import { createSimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

const ENTRY_BYTES = idxEntrySizeBytes(5);

async function followed(needles: number): Promise<SyncKit> {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
  const volume = kit.server.allocate(VOLUME_ID);
  for (let id = 1; id <= needles; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
  volume.put(2n, new Uint8Array(90).fill(77));
  await kit.syncAndCompare('at first');
  return kit;
}

const entriesOf = (idx: Uint8Array): Uint8Array[] =>
  Array.from({ length: idx.length / ENTRY_BYTES }, (_, i) =>
    idx.slice(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES),
  );

describe('an index that was rewritten on the leader over the same records', () => {
  it('of the same length: found where the whole index is proved, and taken over', async () => {
    const kit = await followed(6);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const [first, ...others] = entriesOf(volume.idx);
    volume.load(volume.dat, Buffer.concat([...others, first!]));
    expect(await kit.sync({ proveIndex: false })).toMatchObject({ ok: true, outcome: 'idle' });
    const report = await kit.syncAndCompare('proved');
    expect(report.reason).toBe('the indexes differ');
  });

  it('shorter, and grown to the length that ours has after an append: taken over', async () => {
    const kit = await followed(6);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    volume.load(volume.dat, volume.idx.slice(ENTRY_BYTES));
    // A row without a record makes up for the one that is gone.
    volume.put(21n, new Uint8Array(40));
    const [added] = entriesOf(volume.idx).slice(-1);
    volume.load(volume.dat, Buffer.concat([volume.idx.slice(0, -ENTRY_BYTES), added!, added!]));
    const report = await kit.syncAndCompare('appended to');
    expect(report.reason).toBe('the indexes differ after the append');
  });

  it('much shorter, with more behind ours than one step takes: made anew', async () => {
    const kit = await followed(6);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const [, ...others] = entriesOf(volume.idx);
    volume.load(volume.dat, Buffer.concat(others.slice(0, 2)));
    for (let id = 30n; id <= 34n; id++) volume.put(id, new Uint8Array(60));
    volume.load(Buffer.concat([volume.dat, new Uint8Array(40)]), volume.idx);
    const leastSteps = {
      firstStepBytes: 64,
      greatestStepBytes: 128,
      smallIndexBytes: 0,
      indexWindowBytes: 60,
    };
    expect(await kit.sync(leastSteps)).toMatchObject({ ok: true, outcome: 'rebased', leaderTailBytes: 40 });
    expect(Buffer.compare((await kit.files()).idx, volume.idx)).toBe(0);
  });

  it('shorter: taken over at once, and followed further', async () => {
    const kit = await followed(6);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    volume.load(volume.dat, Buffer.concat(entriesOf(volume.idx).filter((_, i) => i !== 1)));
    expect(await kit.sync({ proveIndex: false })).toMatchObject({
      ok: true,
      reason: 'the index sizes differ',
    });
    await kit.syncAndCompare('taken over');
    volume.put(20n, new Uint8Array(50));
    await kit.syncAndCompare('appended to');
  });

  it('while records were appended: both are taken over', async () => {
    const kit = await followed(6);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    volume.put(20n, new Uint8Array(50));
    volume.load(volume.dat, Buffer.concat(entriesOf(volume.idx).filter((_, i) => i !== 1)));
    expect(await kit.sync()).toMatchObject({ ok: true });
    await kit.syncAndCompare('both');
  });
});

describe('a torn tail', () => {
  it('in whose place a whole record of just that length was written is fetched', async () => {
    const kit = await followed(3);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const before = { dat: volume.dat, idx: volume.idx };
    volume.put(10n, new Uint8Array(100).fill(1));
    const tornBytes = volume.tailBytes - before.dat.length;
    volume.load(before.dat, before.idx);
    volume.put(11n, new Uint8Array(300).fill(2));
    volume.load(volume.dat.slice(0, before.dat.length + tornBytes), volume.idx);
    const torn = { ok: true, datSize: before.dat.length, leaderTailBytes: tornBytes };
    expect(await kit.sync()).toMatchObject(torn);
    expect(await kit.sync()).toMatchObject({ ...torn, outcome: 'idle' });

    volume.load(before.dat, before.idx);
    volume.put(10n, new Uint8Array(100).fill(3));
    expect(volume.tailBytes).toBe(before.dat.length + tornBytes);
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'appended', leaderTailBytes: 0 });
    await kit.syncAndCompare('replaced');
  });

  it('of a deletion is none of another layout, and is followed when it is whole', async () => {
    const kit = await followed(3);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    volume.put(10n, new Uint8Array(100));
    volume.delete(2n);
    const [dat, idx] = [volume.dat, volume.idx];
    const start = dat.length - 32;
    // Long enough for a deletion of version 2, which has no stamp.
    volume.load(dat.slice(0, start + 24 + 7), idx);
    expect(await kit.sync()).toMatchObject({ ok: true, datSize: start });
    volume.load(dat, idx);
    await kit.syncAndCompare('whole');
  });

  it('that its index knows, whole later and with others behind it, has its entry once at every step', async () => {
    const kit = await followed(3);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const start = volume.dat.length;
    volume.put(10n, new Uint8Array(100));
    const { dat } = volume;
    volume.load(dat.slice(0, -40), volume.idx);
    const leastSteps = { firstStepBytes: 64, greatestStepBytes: 128, smallIndexBytes: 0 };
    expect(await kit.sync(leastSteps)).toMatchObject({ ok: true, datSize: start, leaderTailBytes: 104 });
    volume.load(dat, volume.idx);
    for (let id = 11n; id <= 20n; id++) volume.put(id, new Uint8Array(100));
    const { reason } = await kit.sync(leastSteps);
    expect(reason).toBe(`${volume.dat.length - start} bytes behind the overlap`);
    await kit.syncAndCompare('whole');
  });

  it('that was cut away is no longer spoken of', async () => {
    const kit = await followed(3);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const before = { dat: volume.dat, idx: volume.idx };
    volume.load(Buffer.concat([before.dat, new Uint8Array(40).fill(0xaa)]), before.idx);
    expect(await kit.sync()).toMatchObject({ ok: true, leaderTailBytes: 40 });
    volume.load(before.dat, before.idx);
    expect(await kit.sync()).toMatchObject({ ok: true, leaderTailBytes: 0 });
    await kit.syncAndCompare('cut');
  });
});

describe('what an index said of bad records', () => {
  it('is forgotten where another one, taken over, finds them sound', async () => {
    const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    const { dat, idx } = volume;
    const wrongSize = idx.slice();
    wrongSize[4 * ENTRY_BYTES - 1]! -= 8;
    volume.load(dat, wrongSize);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-damaged' });
    volume.load(dat, idx);
    expect(await kit.sync()).toMatchObject({ ok: true, code: null, reason: 'the indexes differ' });
    await kit.syncAndCompare('mended');
  });

  it('stays where the record itself is bad', async () => {
    const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    const { dat, idx } = volume;
    dat[8 + 3 * 144 + 40]! ^= 1;
    volume.load(dat, idx);
    const damaged = { ok: false, code: 'leader-damaged', error: expect.stringContaining('needle 4 at') };
    expect(await kit.sync()).toMatchObject(damaged);
    const [first, ...others] = entriesOf(idx);
    volume.load(dat, Buffer.concat([...others, first!]));
    expect(await kit.sync()).toMatchObject({ ...damaged, reason: 'the indexes differ' });
  });
});

describe('records that the index does not speak of', () => {
  it('are fetched to the last one where a step ends between them, behind one that it speaks of', async () => {
    const kit = await createSyncKit({
      disk: createSimulatedDisk({ seed: 3 }),
      policy: { firstStepBytes: 400, greatestStepBytes: 400 },
    });
    const volume = kit.server.allocate(VOLUME_ID);
    await kit.syncAndCompare('at first');
    volume.put(1n, new Uint8Array(100).fill(1));
    const { idx } = volume;
    for (let id = 2; id <= 9; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    volume.load(volume.dat, idx);
    expect(await kit.sync()).toMatchObject({ ok: true, leaderTailBytes: 0, datSize: volume.dat.length });
    await kit.syncAndCompare('unindexed');
  });

  it('are fetched to the last one, however many steps they take', async () => {
    const kit = await createSyncKit({
      disk: createSimulatedDisk({ seed: 3 }),
      policy: { firstStepBytes: 1000, greatestStepBytes: 1000 },
    });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1; id <= 3; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    await kit.syncAndCompare('at first');
    const { idx } = volume;
    for (let id = 4; id <= 40; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    volume.load(volume.dat, idx);
    expect(await kit.sync()).toMatchObject({ ok: true, leaderTailBytes: 0, datSize: volume.dat.length });
    await kit.syncAndCompare('unindexed');
  });
});
