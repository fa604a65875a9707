import { parseNeedleHeader } from '@holdfast/format';
import { describe, expect, it } from 'vitest';
import { VOLUME_ID } from '../sync-kit.js';
import { changeAndVacuum, createPoolKit, fill, NEEDLE_BYTES, NEEDLES, type PoolKit } from './pool-kit.js';

/** What a run reads beside the data of records: proofs, fences, the index, the windows of 40 records. */
const BESIDE_BYTES = 64 * 1024;

async function expectRebasedByWindows(kit: PoolKit, fetchedNeedles: number): Promise<void> {
  const report = await kit.syncAndCompare('rebased');
  expect(report).toMatchObject({ outcome: 'rebased', plan: { way: 'windows' } });
  expect(report.bytesReceived).toBeLessThan(fetchedNeedles * NEEDLE_BYTES + BESIDE_BYTES);
  const live = kit.volume.liveNeedles().length;
  expect(report.bytesReused).toBe((live - fetchedNeedles) * NEEDLE_BYTES);
}

describe('a rebase out of what is held', () => {
  for (const version of [1, 2, 3] as const)
    it(`version ${version}: only what changed is read`, async () => {
      const kit = await createPoolKit({ version });
      changeAndVacuum(kit.volume);
      await expectRebasedByWindows(kit, 1);
    });

  it('without a pool, or without leave to use it, everything is', async () => {
    const kit = await createPoolKit();
    changeAndVacuum(kit.volume);
    const report = await kit.sync({ usePool: false });
    expect(report).toMatchObject({
      ok: true,
      bytesReused: 0,
      plan: { way: 'whole', reason: 'no pool is to be used' },
    });
    expect(report.bytesReceived).toBeGreaterThan(kit.volume.tailBytes);
    await kit.compare('whole');
  });

  it('both ways make the same files', async () => {
    const [windows, whole] = [await createPoolKit(), await createPoolKit({ policy: { usePool: false } })];
    for (const kit of [windows, whole]) {
      changeAndVacuum(kit.volume);
      await kit.sync();
    }
    const [ours, theirs] = [await windows.files(), await whole.files()];
    expect(Buffer.compare(ours.dat, theirs.dat)).toBe(0);
    expect(Buffer.compare(ours.idx, theirs.idx)).toBe(0);
  });

  it('after the revision has wrapped', async () => {
    const kit = await createPoolKit();
    const dat = kit.volume.dat;
    dat.set([0xff, 0xff], 4);
    kit.volume.load(dat, kit.volume.idx);
    expect(await kit.syncAndCompare('at the last revision')).toMatchObject({ revision: 65535 });
    changeAndVacuum(kit.volume);
    expect(kit.volume.revision).toBe(0);
    await expectRebasedByWindows(kit, 1);
  });

  it('where most has changed the whole is read', async () => {
    const kit = await createPoolKit();
    fill(kit.volume, 1, NEEDLES - 5, 3);
    for (let id = 1; id <= NEEDLES - 5; id++) kit.volume.put(BigInt(id), new Uint8Array(NEEDLE_BYTES + id));
    kit.volume.vacuum();
    expect(await kit.syncAndCompare('whole')).toMatchObject({ bytesReused: 0, plan: { way: 'whole' } });
  });

  it('a volume made anew under its id: other stamps, so nothing of it is taken for the same', async () => {
    const kit = await createPoolKit();
    kit.server.deleteVolume(VOLUME_ID);
    const volume = kit.server.allocate(VOLUME_ID);
    fill(volume, 1, NEEDLES);
    expect(await kit.syncAndCompare('made anew')).toMatchObject({ outcome: 'rebased', bytesReused: 0 });
  });

  it('records that were written anew with the same data: their own bytes around them', async () => {
    const kit = await createPoolKit();
    const { volume } = kit;
    const dat = volume.dat;
    for (const { offset } of volume.liveNeedles()) {
      const { sizeBytes } = parseNeedleHeader(dat, offset);
      dat.fill(0xa5, offset + 16 + sizeBytes + 12, offset + 16 + sizeBytes + 13);
    }
    dat[5] = 1;
    volume.load(dat, volume.idx);
    await expectRebasedByWindows(kit, 0);
  });
});

describe('another leader copy', () => {
  it('gives its own order and stamps; data come from the pool where cookie and CRC agree', async () => {
    const kit = await createPoolKit();
    kit.server.deleteVolume(VOLUME_ID);
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = NEEDLES; id > 2; id--) fill(volume, id, id);
    const { data } = volume.liveNeedles().find(({ needleId }) => needleId === 3n)!;
    volume.put(2n, data, { cookie: 99 });
    fill(volume, 1, 1, 8);
    const report = await kit.sync({}, 'replica');
    expect(report).toMatchObject({ ok: true, outcome: 'rebased', plan: { way: 'windows' } });
    expect(report.bytesReused).toBe((NEEDLES - 2) * NEEDLE_BYTES);
    await kit.compare('the replica');
    expect(await kit.sync({}, 'replica')).toMatchObject({ outcome: 'idle' });
  });

  it('of which the follower was once: a former generation is pool too', async () => {
    const kit = await createPoolKit();
    const [dat, idx] = [kit.volume.dat, kit.volume.idx];
    fill(kit.volume, 1, NEEDLES, 4, NEEDLE_BYTES + 100);
    kit.volume.vacuum();
    await kit.syncAndCompare('all is new');
    kit.volume.load(dat, idx);
    const report = await kit.syncAndCompare('what was before');
    expect(report).toMatchObject({
      revision: 0,
      bytesReused: NEEDLES * NEEDLE_BYTES,
      plan: { way: 'windows' },
    });
  });
});

describe('foreign files', () => {
  for (const ext of ['with an index', 'without'] as const)
    it(`${ext}: records are taken from them`, async () => {
      const kit = await createPoolKit();
      const { dat, idx } = await kit.files();
      for (const path of kit.disk.files()) await kit.disk.remove(path);
      kit.disk.plant(kit.path('dat'), dat);
      if (ext === 'with an index') kit.disk.plant(kit.path('idx'), idx.subarray(0, idx.length - 3));
      changeAndVacuum(kit.volume);
      const report = await kit.syncAndCompare('taken over');
      expect(report).toMatchObject({ outcome: 'rebased', plan: { way: 'windows' } });
      expect(report.bytesReused).toBeGreaterThanOrEqual((NEEDLES - 4) * NEEDLE_BYTES);
      expect(report.bytesReceived).toBeLessThan(3 * NEEDLE_BYTES + BESIDE_BYTES);
    });
});
