import { createSimulatedDisk, type StockCall } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { changeAndVacuum, createPoolKit, fill, NEEDLE_BYTES, NEEDLES, type PoolKit } from './pool-kit.js';

const KiB = 1024;
/** A step for every second record or so, and one attempt a run unless a test says otherwise. */
const SMALL_STEPS = {
  attempts: 1,
  firstStepBytes: 2 * KiB,
  greatestStepBytes: 16 * KiB,
  greatestBuildStepBytes: 2 * KiB,
};
const NEW_NEEDLES = 20;

/** A copy, and a leader that has compacted and has 20 needles more than before. */
async function createBehind(capacityBytes = 2 ** 40): Promise<PoolKit> {
  const disk = createSimulatedDisk({ seed: 5, capacityBytes });
  const kit = await createPoolKit({ disk, policy: { ...SMALL_STEPS, minFreeBytes: 64 * KiB } });
  fill(kit.volume, NEEDLES + 1, NEEDLES + NEW_NEEDLES);
  changeAndVacuum(kit.volume);
  return kit;
}

/** Calls `act` at the first call that `isMoment` is true of. */
function once(kit: PoolKit, isMoment: (call: StockCall) => boolean, act: () => void): void {
  kit.server.hooks = {
    beforeCall(call) {
      if (!isMoment(call)) return;
      kit.server.hooks = {};
      act();
    },
  };
}

const isRangeAt =
  (offset: number) =>
  (call: StockCall): boolean =>
    call.method === 'readNeedleBlob' && call.offset! >= offset && call.offset! < offset + 40_000;

async function builtBytes(kit: PoolKit): Promise<number> {
  const home = await kit.openHome();
  try {
    return home.unfinished?.builtBytes ?? 0;
  } finally {
    await home.close();
  }
}

describe('a build by windows that is interrupted', () => {
  it('goes on where it was, with the pool', async () => {
    const kit = await createBehind();
    once(kit, isRangeAt(250_000), () => void kit.server.restart());
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-unreachable' });
    expect(await builtBytes(kit)).toBeGreaterThan(150_000);
    const report = await kit.syncAndCompare('gone on');
    expect(report).toMatchObject({ outcome: 'rebased', plan: { way: 'windows' } });
    expect(report.plan?.reason).toContain('it goes on where it was interrupted');
    expect(report.bytesReused).toBeGreaterThan(0);
    expect(report.bytesReused).toBeLessThan(25 * NEEDLE_BYTES);
  });

  it('begins anew where nothing may come from a pool any more', async () => {
    const kit = await createBehind();
    once(kit, isRangeAt(250_000), () => void kit.server.restart());
    await kit.sync();
    const report = await kit.sync({ usePool: false });
    expect(report).toMatchObject({ ok: true, bytesReused: 0, plan: { way: 'whole' } });
    expect(report.bytesReceived).toBeGreaterThan(kit.volume.tailBytes);
    await kit.compare('whole');
  });

  it('goes on too where the last record built is sound in the pool only', async () => {
    const kit = await createBehind();
    once(kit, isRangeAt(250_000), () => void kit.server.restart());
    await kit.sync();
    const built = await builtBytes(kit);
    const dat = kit.volume.dat;
    dat[built - 2000]! ^= 1;
    const sound = kit.volume.dat;
    kit.volume.load(dat, kit.volume.idx);
    const report = await kit.sync();
    expect(report.plan?.reason).toContain('it goes on where it was interrupted');
    expect(report).toMatchObject({ ok: true, outcome: 'rebased' });
    expect(Buffer.compare((await kit.files()).dat, sound)).toBe(0);
  });

  it('is given up where its place is needed: the next one has less in the pool', async () => {
    const kit = await createBehind(1150 * KiB);
    once(kit, isRangeAt(250_000), () => void kit.server.restart());
    expect(await kit.sync()).toMatchObject({ code: 'leader-unreachable' });
    changeAndVacuum(kit.volume, 2);
    const report = await kit.syncAndCompare('with what fits');
    expect(report).toMatchObject({ outcome: 'rebased', revision: 2, plan: { way: 'windows' } });
  });
});

describe('a leader that is compacted while windows are read', () => {
  it('what was built joins the pool of the next plan', async () => {
    const kit = await createBehind();
    // Behind all that was there before: most of what is new has been fetched by now.
    once(kit, isRangeAt(530_000), () => changeAndVacuum(kit.volume, 2));
    const report = await kit.sync({ attempts: 3 });
    expect(report).toMatchObject({ ok: true, outcome: 'rebased', revision: 2, plan: { way: 'windows' } });
    await kit.compare('after the second compaction');
    const newBytes = (NEW_NEEDLES + 2) * NEEDLE_BYTES;
    expect(report.bytesReceived).toBeLessThan(1.2 * newBytes + 1000 * KiB);
    const live = NEEDLES + NEW_NEEDLES - 2;
    expect(report.bytesReused).toBeGreaterThan((live - 8) * NEEDLE_BYTES);
  });

  it('without end: twice windows are tried, then the generation is pinned', async () => {
    const kit = await createBehind();
    let ranges = 0;
    let seed = 10;
    kit.server.hooks = {
      beforeCall({ method }) {
        if (method === 'readNeedleBlob' && ++ranges % 40 === 0) changeAndVacuum(kit.volume, seed++);
      },
    };
    const report = await kit.sync({ attempts: 5 });
    expect(report).toMatchObject({
      ok: true,
      outcome: 'rebased',
      plan: { way: 'whole', reason: 'the leader is compacted faster than ranges end' },
    });
    kit.server.hooks = {};
    await kit.syncAndCompare('when it has come to rest');
  });
});
