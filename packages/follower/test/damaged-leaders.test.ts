import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

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
