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
});
