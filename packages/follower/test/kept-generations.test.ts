import { createSimulatedDisk, type SimulatedDisk, type StockVolume } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { releaseHeld } from '../src/index.js';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

const KEEP_NOTHING = { keepForMs: 0, keepGenerations: 0 };

async function followed(
  needles: number,
): Promise<{ kit: SyncKit; volume: StockVolume; disk: SimulatedDisk }> {
  const disk = createSimulatedDisk({ seed: 9 });
  const kit = await createSyncKit({ disk });
  const volume = kit.server.allocate(VOLUME_ID);
  for (let id = 1; id <= needles; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
  await kit.syncAndCompare('at first');
  return { kit, volume, disk };
}

/** What is left of the former generations under a policy that keeps none. */
async function keptRegardless(kit: SyncKit, isReleased = false) {
  const home = await kit.openHome();
  try {
    if (isReleased) await releaseHeld(home);
    await home.prune(KEEP_NOTHING, Date.now());
    return await home.former();
  } finally {
    await home.close();
  }
}

describe('the loss guard', () => {
  it('deletions that a vacuum brought: the run happens, the former generation is held until released', async () => {
    const { kit, volume } = await followed(10);
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    volume.vacuum();
    const report = await kit.syncAndCompare('vacuumed');
    expect(report).toMatchObject({ outcome: 'rebased', lossGuard: true, liveNeedles: 7 });
    expect(await keptRegardless(kit)).toMatchObject([
      { heldFor: 'loss-guard', position: { liveNeedles: 10 } },
    ]);
    expect(await keptRegardless(kit, true)).toEqual([]);
  });

  it('deletions that an append brought: the generation with the former state is held past the next vacuum', async () => {
    const { kit, volume } = await followed(10);
    const formerBytes = volume.tailBytes;
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    expect(await kit.syncAndCompare('appended')).toMatchObject({ outcome: 'appended', lossGuard: true });
    volume.vacuum();
    await kit.syncAndCompare('vacuumed');
    const kept = await keptRegardless(kit);
    expect(kept).toMatchObject([{ heldFor: 'loss-guard' }]);
    expect(kept[0]!.sizeBytes).toBeGreaterThan(formerBytes);
  });

  it('stays tripped until it is released; then what is live is the measure', async () => {
    const { kit, volume } = await followed(10);
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    expect(await kit.syncAndCompare('appended')).toMatchObject({ lossGuard: true });
    volume.put(4n, new Uint8Array(9));
    expect(await kit.syncAndCompare('overwritten')).toMatchObject({ lossGuard: true });
    await keptRegardless(kit, true);
    expect(await kit.sync()).toMatchObject({ outcome: 'idle', lossGuard: false });
    volume.delete(4n);
    expect(await kit.sync()).toMatchObject({ lossGuard: false, liveNeedles: 6 });
    volume.delete(5n);
    expect(await kit.sync()).toMatchObject({ lossGuard: true, liveNeedles: 5 });
  });

  it('holds the state before each loss, and no generation that only came later', async () => {
    const { kit, volume } = await followed(10);
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    volume.vacuum();
    await kit.syncAndCompare('the first loss');
    volume.put(20n, new Uint8Array(9));
    volume.vacuum();
    await kit.syncAndCompare('a vacuum');
    for (let id = 4n; id <= 8n; id++) volume.delete(id);
    volume.vacuum();
    await kit.syncAndCompare('the second loss');
    expect((await keptRegardless(kit)).map(({ position }) => position?.liveNeedles)).toEqual([8, 10]);
  });

  it('trips in the next run wherever the one that brought the deletions was cut short', async () => {
    let hasEnded = false;
    for (let accesses = 1; !hasEnded; accesses++) {
      const { kit, volume, disk } = await followed(10);
      for (let id = 1n; id <= 3n; id++) volume.delete(id);
      disk.crashAfter(accesses);
      hasEnded = await kit.sync().then(
        ({ ok }) => ok,
        () => false,
      );
      disk.crash();
      const report = await kit.sync();
      expect(report, `after ${accesses} accesses`).toMatchObject({
        ok: true,
        lossGuard: true,
        liveNeedles: 7,
      });
      volume.vacuum();
      await kit.syncAndCompare('vacuumed');
      expect(await keptRegardless(kit)).toMatchObject([{ heldFor: 'loss-guard' }]);
    }
  });

  it('a release counts what runs between two proofs have not', async () => {
    const { kit, volume } = await followed(10);
    for (let id = 11; id <= 20; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
    expect(await kit.sync({ proveIndex: false })).toMatchObject({ outcome: 'appended' });
    await keptRegardless(kit, true);
    for (let id = 1n; id <= 5n; id++) volume.delete(id);
    expect(await kit.sync()).toMatchObject({ lossGuard: true, liveNeedles: 15 });
  });

  it('measures by what was committed where a bit of it has rotted since, and holds what is left of it', async () => {
    const { kit, volume, disk } = await followed(10);
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    volume.vacuum();
    const path = `${kit.directory}/${VOLUME_ID}.dat`;
    disk.flip(path, 700, 3);
    disk.touch(path);
    const rotten = disk.peek(path);
    const report = await kit.syncAndCompare('rotten and vacuumed');
    expect(report).toMatchObject({ outcome: 'rebased', lossGuard: true, liveNeedles: 7 });
    expect(await keptRegardless(kit)).toMatchObject([{ heldFor: 'loss-guard' }]);
    const kept = disk.files().filter((file) => file.endsWith(`/${VOLUME_ID}.dat`) && file !== path);
    expect(kept.map((file) => Buffer.compare(disk.peek(file), rotten))).toEqual([0]);
    expect(await keptRegardless(kit, true)).toEqual([]);
    expect(await kit.sync()).toMatchObject({ outcome: 'idle', lossGuard: false });
  });

  it('a release of a copy with a rotten bit makes what is built in its place the measure', async () => {
    const { kit, volume, disk } = await followed(10);
    for (let id = 1n; id <= 3n; id++) volume.delete(id);
    expect(await kit.sync()).toMatchObject({ lossGuard: true });
    const path = `${kit.directory}/${VOLUME_ID}.dat`;
    disk.flip(path, 700, 3);
    disk.touch(path);
    await keptRegardless(kit, true);
    expect(await kit.syncAndCompare('rebuilt')).toMatchObject({ outcome: 'rebased', lossGuard: false });
    expect(await keptRegardless(kit)).toEqual([]);
    for (let id = 4n; id <= 5n; id++) volume.delete(id);
    expect(await kit.sync()).toMatchObject({ lossGuard: true, liveNeedles: 5 });
  });

  it('a bit that has rotted is no loss by itself', async () => {
    const { kit, volume, disk } = await followed(10);
    volume.delete(1n);
    const path = `${kit.directory}/${VOLUME_ID}.idx`;
    disk.flip(path, 20, 1);
    disk.touch(path);
    const report = await kit.syncAndCompare('rotten');
    expect(report).toMatchObject({ outcome: 'rebased', lossGuard: false, liveNeedles: 9 });
    expect(await keptRegardless(kit)).toEqual([]);
  });

  it('a loss that the policy allows holds nothing', async () => {
    const { kit, volume } = await followed(10);
    volume.delete(1n);
    volume.delete(2n);
    volume.vacuum();
    expect(await kit.syncAndCompare('vacuumed')).toMatchObject({ lossGuard: false, liveNeedles: 8 });
    expect(await keptRegardless(kit)).toEqual([]);
  });
});

describe('damage on the leader', () => {
  it('the generation that still has a good copy is held until released', async () => {
    const { kit, volume } = await followed(5);
    volume.vacuum();
    const needle = volume.liveNeedles().find(({ needleId }) => needleId === 4n)!;
    const rotten = volume.dat;
    rotten[needle.offset + 30]! ^= 0x40;
    volume.load(rotten, volume.idx);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-damaged', outcome: 'rebased' });
    expect(await keptRegardless(kit)).toMatchObject([{ heldFor: 'leader-damaged' }]);
    expect(await keptRegardless(kit, true)).toEqual([]);
  });

  it('without a good copy nothing is held', async () => {
    const { kit, volume } = await followed(5);
    volume.put(6n, new Uint8Array(100).fill(6));
    volume.vacuum();
    const needle = volume.liveNeedles().find(({ needleId }) => needleId === 6n)!;
    const rotten = volume.dat;
    rotten[needle.offset + 30]! ^= 0x40;
    volume.load(rotten, volume.idx);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-damaged', outcome: 'rebased' });
    expect(await keptRegardless(kit)).toEqual([]);
  });
});

describe('retention', () => {
  it('keeps the last generations by number, the others by age', async () => {
    const { kit, volume } = await followed(5);
    for (let i = 0; i < 3; i++) {
      volume.put(BigInt(10 + i), new Uint8Array(40));
      volume.vacuum();
      await kit.syncAndCompare(`vacuum ${i}`);
    }
    const home = await kit.openHome();
    const revisions = async () => (await home.former()).map(({ position }) => position?.revision);
    expect(await revisions()).toEqual([2, 1, 0]);
    await home.prune({ keepForMs: 3_600_000, keepGenerations: 1 }, Date.now());
    expect(await revisions()).toEqual([2, 1, 0]);
    await home.prune({ keepForMs: 3_600_000, keepGenerations: 2 }, Date.now() + 7_200_000);
    expect(await revisions()).toEqual([2, 1]);
    await home.close();
  });

  it('gives up the oldest, and no more than it takes, where the disk is full', async () => {
    const disk = createSimulatedDisk({ seed: 9, capacityBytes: 400_000 });
    const kit = await createSyncKit({ disk, policy: { minFreeBytes: 100_000, keepGenerations: 1 } });
    const volume = kit.server.allocate(VOLUME_ID);
    volume.put(1n, new Uint8Array(50_000).fill(1));
    const formerRevisions = async () => {
      const home = await kit.openHome();
      const former = await home.former();
      await home.close();
      return former.map(({ position }) => position?.revision);
    };
    for (let i = 0; i < 3; i++) {
      expect(await kit.sync(), `vacuum ${i}`).toMatchObject({ ok: true });
      volume.vacuum();
    }
    expect(await formerRevisions()).toEqual([1, 0]);
    const home = await kit.openHome();
    await home.hold((await home.former()).at(-1)!.id, 'loss-guard');
    await home.close();
    for (let i = 3; i < 6; i++) {
      expect(await kit.sync(), `vacuum ${i}`).toMatchObject({ ok: true });
      volume.vacuum();
    }
    expect(await formerRevisions()).toEqual([4, 3, 2, 0]);
    volume.put(2n, new Uint8Array(200_000));
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'no-space' });
    // What is held and the last one stay whatever the need.
    expect(await formerRevisions()).toEqual([4, 0]);
  });
});
