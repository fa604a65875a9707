import { createSeededRandom, liveOut, randomLife } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { VOLUME_ID } from '../sync-kit.js';
import { changeAndVacuum, createPoolKit, fill, NEEDLE_BYTES, NEEDLES, type PoolKit } from './pool-kit.js';

/** Where a needle's data are in the leader's file, and so in the copy's. */
function dataOffset({ volume }: PoolKit, needleId: bigint): number {
  return volume.liveNeedles().find((needle) => needle.needleId === needleId)!.offset + 20;
}

describe('a pool that cannot be read everywhere, or is not what it was', () => {
  it('unreadable sectors: those records are fetched', async () => {
    const kit = await createPoolKit();
    for (const id of [5n, 30n, BigInt(NEEDLES)])
      kit.disk.spoil(kit.path('dat'), dataOffset(kit, id) + 5000, 512);
    changeAndVacuum(kit.volume);
    const report = await kit.syncAndCompare('rebased');
    expect(report).toMatchObject({ outcome: 'rebased', bytesReused: (NEEDLES - 6) * NEEDLE_BYTES });
  });

  it('unreadable where the overlap is proved: built anew from what can be read', async () => {
    const kit = await createPoolKit();
    kit.disk.spoil(kit.path('dat'), dataOffset(kit, BigInt(NEEDLES)) + 9000, 512);
    const report = await kit.syncAndCompare('built anew');
    expect(report).toMatchObject({ outcome: 'rebased', bytesReused: (NEEDLES - 1) * NEEDLE_BYTES });
  });

  it('unreadable sectors in files that were touched, so that all of them would have to be proved', async () => {
    const kit = await createPoolKit();
    const { dat } = await kit.files();
    kit.disk.plant(kit.path('dat'), dat);
    kit.disk.spoil(kit.path('dat'), dataOffset(kit, 5n), 512);
    const report = await kit.syncAndCompare('built anew');
    expect(report).toMatchObject({ outcome: 'rebased', bytesReused: (NEEDLES - 1) * NEEDLE_BYTES });
  });

  it('an index that cannot be read: everything is fetched', async () => {
    const kit = await createPoolKit();
    kit.disk.spoil(kit.path('idx'), 0, 4096);
    changeAndVacuum(kit.volume);
    expect(await kit.syncAndCompare('rebased')).toMatchObject({ outcome: 'rebased', bytesReused: 0 });
  });

  it('bytes that have changed, in data, head and stamp', async () => {
    const kit = await createPoolKit();
    const { dat } = await kit.files();
    const changed = [
      dataOffset(kit, 3n) + 77,
      dataOffset(kit, 4n) - 5,
      dataOffset(kit, 6n) + NEEDLE_BYTES + 12,
    ];
    for (const offset of changed) dat[offset]! ^= 0x10;
    kit.disk.plant(kit.path('dat'), dat);
    changeAndVacuum(kit.volume);
    const report = await kit.syncAndCompare('rebased');
    // The files are not held any more: a changed stamp is nothing to a foreign record.
    expect(report).toMatchObject({ outcome: 'rebased', bytesReused: (NEEDLES - 5) * NEEDLE_BYTES });
  });
});

describe('a leader whose data have rotted while their CRC has not', () => {
  function rot({ volume }: PoolKit, needleId: bigint): void {
    const dat = volume.dat;
    const { offset } = volume.liveNeedles().find((needle) => needle.needleId === needleId)!;
    dat[offset + 20 + 50]! ^= 1;
    volume.load(dat, volume.idx);
  }

  it('the copy keeps what the CRC proves, and following goes on', async () => {
    const kit = await createPoolKit();
    changeAndVacuum(kit.volume);
    const sound = kit.volume.dat;
    rot(kit, 15n);
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'rebased', plan: { way: 'windows' } });
    expect(Buffer.compare((await kit.files()).dat, sound)).toBe(0);
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'idle' });
    fill(kit.volume, 60, 61);
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'appended' });
  });

  it('in its last record, where every run looks: the copy is as the leader is, and says so', async () => {
    const kit = await createPoolKit();
    changeAndVacuum(kit.volume);
    rot(kit, BigInt(NEEDLES));
    const report = await kit.sync();
    expect(report).toMatchObject({
      ok: false,
      code: 'leader-damaged',
      outcome: 'rebased',
      plan: { way: 'whole' },
    });
    await kit.compare('as it is');
    expect(await kit.sync()).toMatchObject({ code: 'leader-damaged', outcome: 'idle' });
  });
});

describe('any life, any pool', () => {
  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`seed ${seed}: the copy is the leader's, whatever has become of the files`, async () => {
      const random = createSeededRandom(seed);
      const below = (limit: number): number => Math.floor(random.nextFloat() * limit);
      const kit = await createPoolKit({ release: seed % 2 === 0 ? '4.44' : '4.48' });
      const life = randomLife(random, {
        syncs: 12,
        needleCount: 60,
        maxDataBytes: 9000,
        operationsBetweenSyncs: 20,
      });
      for (const [i, operation] of life.entries()) {
        if (operation.kind !== 'sync') {
          await liveOut(kit.server, VOLUME_ID, operation);
          continue;
        }
        await damage(kit, below);
        await kit.syncAndCompare(`operation ${i}`);
      }
    });
});

/** What can become of a copy's files between two runs. */
async function damage(kit: PoolKit, below: (limit: number) => number): Promise<void> {
  const ext = below(3) === 0 ? 'idx' : 'dat';
  const bytes = (await kit.files())[ext].slice();
  const kind = below(6);
  if (kind === 0) kit.disk.spoil(kit.path('dat'), below(Math.max(1, bytes.length - 70_000)), 1 + below(4096));
  if (kind === 1) {
    for (let flips = 1 + below(20); flips > 0; flips--) bytes[below(bytes.length)]! ^= 1 << below(8);
    kit.disk.plant(kit.path(ext), bytes);
  }
  if (kind === 2) kit.disk.plant(kit.path(ext), bytes.subarray(0, below(bytes.length)));
  if (kind === 3) await kit.disk.remove(kit.path(ext));
  if (kind === 4) kit.disk.plant(kit.path(ext), Buffer.concat([bytes, bytes.subarray(0, below(5000))]));
}
