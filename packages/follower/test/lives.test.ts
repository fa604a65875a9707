import { createSeededRandom, liveOut, randomLife } from '@holdfast/testkit';
import { describe, it } from 'vitest';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

const SEEDS = [1, 2, 3, 4, 5, 6];

/** Small everything: many steps a run, entries derived or read in windows of a few, whatever the volume's size. */
const SMALL_STEPS = {
  firstStepBytes: 64,
  greatestStepBytes: 512,
  greatestBuildStepBytes: 512,
  pinnedCommitBytes: 128,
  smallIndexBytes: 0,
  indexWindowBytes: 60,
};

describe('seeded lives of a simulated stock leader', () => {
  for (const seed of SEEDS) {
    for (const release of ['4.44', '4.48'] as const) {
      it(`seed ${seed}, release ${release}: equal after each sync`, async () => {
        const kit = await createSyncKit({ release, policy: seed % 2 === 0 ? SMALL_STEPS : {} });
        kit.server.allocate(VOLUME_ID);
        const life = randomLife(createSeededRandom(seed), { syncs: 8 });
        for (const [i, operation] of life.entries()) {
          if (operation.kind === 'sync') await kit.syncAndCompare(`operation ${i}`);
          else await liveOut(kit.server, VOLUME_ID, operation);
        }
      });
    }
  }
});
