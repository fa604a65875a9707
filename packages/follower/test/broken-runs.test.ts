import { createSimulatedDisk, type StockCall, type StockVolume } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

const KiB = 1024;
const NEEDLES = 40;
/** One attempt a run, so that what a run reads is what it says. */
const SMALL_STEPS = {
  attempts: 1,
  firstStepBytes: 16 * KiB,
  greatestStepBytes: 16 * KiB,
  greatestBuildStepBytes: 16 * KiB,
  pinnedCommitBytes: 16 * KiB,
};
const ONE_STEP = {
  firstStepBytes: 512 * KiB,
  greatestStepBytes: 512 * KiB,
  greatestBuildStepBytes: 512 * KiB,
};
/** What a run of one step reads beside the bytes that it goes on with: proofs and the index. */
const BESIDE_BYTES = 64 * KiB;

async function createKit(): Promise<{ kit: SyncKit; volume: StockVolume }> {
  const disk = createSimulatedDisk({ seed: 5 });
  const kit = await createSyncKit({ disk, policy: SMALL_STEPS, messageBytes: 8 * KiB });
  return { kit, volume: kit.server.allocate(VOLUME_ID) };
}

function fill(volume: StockVolume, from: number, to: number): void {
  for (let id = from; id <= to; id++) volume.put(BigInt(id), new Uint8Array(10_000).fill(id));
}

/** The leader's process ends, once, at the first call that `isMoment` is true of, and is there again at once. */
function breakAt(kit: SyncKit, isMoment: (call: StockCall, messageIndex: number) => boolean): void {
  const check = (call: StockCall, messageIndex: number): void => {
    if (!isMoment(call, messageIndex)) return;
    kit.server.hooks = {};
    void kit.server.restart();
  };
  kit.server.hooks = { beforeCall: (call) => check(call, -1), beforeMessage: check };
}

describe('a connection that breaks', () => {
  it('in the middle of a first copy, between two commits: the same run goes on, and nothing is doubled', async () => {
    for (const moment of [1, 2, 3, 30, 31]) {
      const { kit, volume } = await createKit();
      fill(volume, 1, NEEDLES);
      breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === moment);
      expect(await kit.sync({ attempts: 5 })).toMatchObject({ ok: true, outcome: 'copied' });
      await kit.compare(`broken before message ${moment}`);
    }
  });

  it('in the middle of a first copy from a leader with a torn tail: the next run goes on, and ends', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, NEEDLES);
    const whole = volume.dat;
    volume.load(Buffer.concat([whole, new Uint8Array(11).fill(7)]), volume.idx);
    breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === 30);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-unreachable' });
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'copied', datSize: whole.length });
  });

  it('in the middle of a first copy: the next run goes on where the last commit was', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, NEEDLES);
    breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === 30);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-unreachable' });
    const home = await kit.openHome();
    const builtBytes = home.unfinished?.builtBytes ?? 0;
    await home.close();
    expect(builtBytes).toBeGreaterThan(160 * KiB);
    const report = await kit.sync(ONE_STEP);
    expect(report).toMatchObject({ ok: true, outcome: 'copied' });
    expect(report.bytesReceived).toBeLessThan(volume.tailBytes - builtBytes + BESIDE_BYTES);
    await kit.syncAndCompare('afterwards');
  });

  it('in the middle of a first copy, before its first commit: what came until then is kept', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, NEEDLES);
    breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === 30);
    expect(await kit.sync({ pinnedCommitBytes: 8 * 1024 * KiB })).toMatchObject({
      code: 'leader-unreachable',
    });
    const home = await kit.openHome();
    const builtBytes = home.unfinished?.builtBytes ?? 0;
    await home.close();
    expect(builtBytes).toBeGreaterThan(160 * KiB);
    const report = await kit.sync(ONE_STEP);
    expect(report).toMatchObject({ ok: true, outcome: 'copied' });
    expect(report.bytesReceived).toBeLessThan(volume.tailBytes - builtBytes + BESIDE_BYTES);
    await kit.syncAndCompare('afterwards');
  });

  it('in the middle of an append: what was committed stays, the rest follows', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, 2);
    await kit.sync();
    fill(volume, 3, NEEDLES);
    breakAt(
      kit,
      ({ method, offset }) => method === 'readNeedleBlob' && offset! > 200 * KiB && offset! < 250 * KiB,
    );
    const broken = await kit.sync();
    expect(broken).toMatchObject({ ok: false, code: 'leader-unreachable' });
    expect(broken.datSize).toBeGreaterThan(150 * KiB);
    const report = await kit.sync(ONE_STEP);
    expect(report).toMatchObject({ ok: true, outcome: 'appended' });
    expect(report.bytesReceived).toBeLessThan(volume.tailBytes - broken.datSize + BESIDE_BYTES);
    await kit.syncAndCompare('afterwards');
  });

  it('in the middle of what is left of a copy: the run itself goes on, with nothing twice in the file', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, 4 * NEEDLES);
    breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === 30);
    await kit.sync();
    breakAt(
      kit,
      ({ method, offset }) => method === 'readNeedleBlob' && offset! > 1000 * KiB && offset! < 1500 * KiB,
    );
    const report = await kit.sync({ firstStepBytes: 4096 * KiB, attempts: 2 });
    expect(report).toMatchObject({ ok: true, outcome: 'copied' });
    expect(report.bytesReceived).toBeLessThan(2 * volume.tailBytes);
    await kit.syncAndCompare('afterwards');
  });

  it('an unfinished copy of a leader that was compacted since is begun anew', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, NEEDLES);
    breakAt(kit, ({ ext, method }, index) => method === 'copyFile' && ext === '.dat' && index === 30);
    await kit.sync();
    volume.delete(7n);
    volume.vacuum();
    expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'copied', revision: 1 });
    await kit.syncAndCompare('afterwards');
  });
});

describe('a compaction that stays open', () => {
  it('whole files are copied beside it, and not one range is asked for', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, 4);
    await kit.sync();
    fill(volume, 5, 8);
    volume.compact();
    let ranges = 0;
    kit.server.hooks = {
      beforeCall({ method }) {
        if (method === 'readNeedleBlob') ranges++;
      },
    };
    expect(await kit.sync({ vacuumWaitMs: 0 })).toMatchObject({ ok: true, outcome: 'rebased', revision: 0 });
    expect(await kit.sync({ vacuumWaitMs: 0 })).toMatchObject({ ok: true, outcome: 'idle' });
    expect(ranges).toBe(0);
    const copy = await kit.files();
    expect(Buffer.compare(copy.dat, volume.dat)).toBe(0);
    volume.commit();
    await kit.syncAndCompare('committed');
  });

  it('is waited for as long as the policy says', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, 4);
    await kit.sync();
    fill(volume, 5, 8);
    volume.compact();
    let looks = 0;
    kit.server.hooks = {
      beforeCall({ ext }) {
        if (ext === '.cpd' && ++looks === 3) volume.vacuum();
      },
    };
    expect(await kit.sync()).toMatchObject({ ok: true, revision: 1 });
    expect(looks).toBeGreaterThan(2);
    await kit.syncAndCompare('committed');
  });

  it('whose commit fails leaves a closed volume: said so, with nothing asked that could end the server', async () => {
    const { kit, volume } = await createKit();
    fill(volume, 1, 4);
    await kit.sync();
    fill(volume, 5, 8);
    volume.compact();
    let looks = 0;
    kit.server.hooks = {
      beforeCall({ ext }) {
        if (ext === '.cpd' && ++looks === 2) volume.failCommit();
      },
    };
    const report = await kit.sync();
    expect(report).toMatchObject({ ok: false, code: 'leader-volume-closed' });
    kit.server.hooks = {};
    kit.server.assertAlive();
    volume.remount();
    await kit.syncAndCompare('mounted again');
  });
});
