import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RpcError } from '@holdfast/protocol';
import { createSimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

const FIXTURES = join(import.meta.dirname, '../../testkit/fixtures');

/** Damaged volumes that a real server loads, so that a follower can meet them. */
const cases = readdirSync(FIXTURES)
  .filter((name) => name.startsWith('bad-'))
  .flatMap((name) => {
    const files = readdirSync(join(FIXTURES, name));
    const dat = files.find((file) => /^\d+\.dat$/.test(file));
    const idx = files.find((file) => /^\d+\.idx$/.test(file));
    return dat && idx ? [{ name, dat: join(FIXTURES, name, dat), idx: join(FIXTURES, name, idx) }] : [];
  });

describe('leaders that are damaged', () => {
  for (const { name, dat, idx } of cases) {
    it(`${name}: a proved prefix or a typed failure, the same again on the next run`, async () => {
      const kit = await createSyncKit({ release: name.endsWith('-o4') ? '4.44' : '4.48' });
      const leaderDat = readFileSync(dat);
      const leaderIdx = readFileSync(idx);
      kit.server.adopt(VOLUME_ID, leaderDat, leaderIdx);
      const report = await kit.sync();
      expect(report.code === null).toBe(report.ok);
      const again = await kit.sync();
      expect(again.code).toBe(report.code);
      expect(again.datSize).toBe(report.datSize);
      if (report.outcome === 'failed') {
        expect(existsSync(join(kit.directory, `${VOLUME_ID}.dat`))).toBe(false);
        return;
      }
      expect(again.outcome).toBe('idle');
      const copy = await kit.files();
      expect(copy.dat.length).toBe(report.datSize);
      expect(Buffer.compare(copy.dat, leaderDat.subarray(0, copy.dat.length))).toBe(0);
      expect(Buffer.compare(copy.idx, leaderIdx)).toBe(0);
    });
  }

  it('a torn tail that is no multiple of 8, beside a compaction that stays open: copied up to it', async () => {
    const kit = await createSyncKit({ policy: { vacuumWaitMs: 0 } });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1n; id <= 5n; id++) volume.put(id, new Uint8Array(100).fill(Number(id)));
    const whole = volume.dat;
    volume.load(Buffer.concat([whole, new Uint8Array(11).fill(7)]), volume.idx);
    volume.compact();
    expect(await kit.sync()).toMatchObject({
      ok: true,
      outcome: 'copied',
      datSize: whole.length,
      leaderTailBytes: 16,
    });
  });
});

/** Needles enough that the anchor lies clear of the first ones. */
async function withNeedles(count: number): Promise<SyncKit> {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
  const volume = kit.server.allocate(VOLUME_ID);
  for (let id = 1; id <= count; id++) volume.put(BigInt(id), new Uint8Array(1000).fill(id));
  return kit;
}

/** The needle's data as a bad sector gives them: their CRC does not hold. */
function rotted(kit: SyncKit, needleId: bigint): { dat: Uint8Array; idx: Uint8Array; offset: number } {
  const volume = kit.server.volumes.get(VOLUME_ID)!;
  const { dat, idx } = volume;
  const { offset } = volume.liveNeedles().find((needle) => needle.needleId === needleId)!;
  dat[offset + 50]! ^= 1;
  return { dat, idx, offset };
}

/** A leader with twenty needles, of which the third is rotten. */
async function withRottenNeedle() {
  const kit = await withNeedles(20);
  const volume = kit.server.volumes.get(VOLUME_ID)!;
  const bad = rotted(kit, 3n);
  volume.load(bad.dat, bad.idx);
  return { kit, volume, bad };
}

describe("a bad record is the leader's damage only if it reads so twice", () => {
  it("one that reads well the second time was no reading of the leader's: built again, sound", async () => {
    const kit = await withNeedles(20);
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const sound = { dat: volume.dat, idx: volume.idx };
    const bad = rotted(kit, 3n);
    let copies = 0;
    kit.server.hooks = {
      beforeCall({ method, ext, lengthBytes }) {
        const isCopy = method === 'copyFile' && ext === '.dat' && lengthBytes === sound.dat.length;
        if (isCopy && copies++ === 0) volume.load(bad.dat, bad.idx);
        if (method === 'readVolumeFileStatus') volume.load(sound.dat, sound.idx);
      },
    };
    const report = await kit.sync();
    expect(report).toMatchObject({ ok: true, outcome: 'copied', code: null });
    expect(copies).toBe(2);
    await kit.compare('sound');
    const home = await kit.openHome();
    expect([home.unfinished, home.held!.position.leaderDamage]).toEqual([undefined, []]);
    await home.close();
  });

  it('where the leader is compacted before the second reading, one must do', async () => {
    const { kit, volume, bad } = await withRottenNeedle();
    kit.server.hooks = {
      beforeCall({ method, offset }) {
        if (method === 'readNeedleBlob' && offset === bad.offset) volume.vacuum();
      },
    };
    const report = await kit.sync();
    expect(report).toMatchObject({
      outcome: 'copied',
      revision: 0,
      code: 'leader-damaged',
      error: expect.stringContaining(`needle 3 at offset ${bad.offset}`),
    });
    expect(volume.revision).toBe(1);
    const { dat } = await kit.files();
    expect(Buffer.compare(dat, bad.dat)).toBe(0);
  });

  it('a server that fails at the second reading ends the run, and nothing is committed', async () => {
    const { kit, bad } = await withRottenNeedle();
    kit.server.hooks = {
      beforeCall({ method, offset }) {
        if (method === 'readNeedleBlob' && offset === bad.offset) throw new RpcError('unknown', 'EIO');
      },
    };
    expect(await kit.sync()).toMatchObject({ ok: false, outcome: 'failed' });
    expect(kit.hasCopy()).toBe(false);
    kit.server.hooks = {};
    expect(await kit.sync()).toMatchObject({ code: 'leader-damaged', outcome: 'copied' });
  });

  it('of more than a thousand the first thousand are named', async () => {
    const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1n; id <= 1100n; id++) volume.put(id, Uint8Array.of(1));
    const { dat, idx } = volume;
    for (const { offset } of volume.liveNeedles().slice(0, 1050)) dat[offset + 20]! ^= 1;
    volume.load(dat, idx);
    expect(await kit.sync()).toMatchObject({ code: 'leader-damaged', outcome: 'copied' });
    await kit.compare('as it is');
    const home = await kit.openHome();
    expect(home.held!.position.leaderDamage).toHaveLength(1000);
    await home.close();
  });
});
