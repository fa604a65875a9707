import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

const FIXTURES = join(import.meta.dirname, '../../testkit/fixtures');

const evolutions = readdirSync(FIXTURES).filter((name) => name.startsWith('evolution-'));

describe('the recorded lives of real leaders, replayed', () => {
  it('has all of them', () => expect(evolutions).toHaveLength(24));

  for (const name of evolutions) {
    it(`${name}: equal at every step`, async () => {
      const kit = await createSyncKit({ release: name.endsWith('-o4') ? '4.44' : '4.48' });
      const steps = readdirSync(join(FIXTURES, name), { withFileTypes: true }).filter((e) => e.isDirectory());
      for (const step of steps) {
        const folder = join(FIXTURES, name, step.name);
        const dat = readFileSync(join(folder, 'leader.dat'));
        const idx = readFileSync(join(folder, 'leader.idx'));
        const volume = kit.server.volumes.get(VOLUME_ID);
        if (volume === undefined) kit.server.adopt(VOLUME_ID, dat, idx);
        else volume.load(dat, idx);
        await kit.syncAndCompare(`step ${step.name}`);
      }
    });
  }
});
