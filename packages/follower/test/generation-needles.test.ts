import { type GenerationNeedles, isStoreError, openGenerationNeedles } from '@holdfast/store';
import { createSeededRandom, createSimulatedDisk, liveOut, randomLife } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

// What @holdfast/store gives to whoever reads beside a follower, held to what the follower makes of any life.

async function readAll(needles: GenerationNeedles): Promise<Map<bigint, string>> {
  const live = new Map<bigint, string>();
  for (let needleId = 0n; needleId <= 30n; needleId++) {
    const entry = needles.find(needleId);
    if (entry === undefined) continue;
    const { data } = await needles.readEntry(entry);
    live.set(needleId, Buffer.from(data).toString('hex'));
  }
  return live;
}

describe('needles of a generation, moved on sync by sync', () => {
  for (let seed = 1; seed <= 8; seed++) {
    test(`seed ${seed}`, async () => {
      const kit = await createSyncKit({
        disk: createSimulatedDisk({ seed }),
        policy: { firstStepBytes: 2048, greatestStepBytes: 2048 },
      });
      const { env, directory, volume } = kit;
      const random = createSeededRandom(seed);
      const advances = { moved: 0, opened: 0 };
      let needles: GenerationNeedles | undefined;
      for (const operation of randomLife(random, { syncs: 20, maxDataBytes: 1000 })) {
        await liveOut(kit.server, VOLUME_ID, operation);
        if (operation.kind !== 'sync' || !kit.server.volumes.has(VOLUME_ID)) continue;
        const before = needles && (await readAll(needles));
        await kit.syncAndCompare('a sync');
        // The follower went on: what was found goes on being what it was, until it is moved on.
        if (needles !== undefined) expect(await readAll(needles)).toEqual(before);
        if (random.nextFloat() < 0.2) continue;
        if (needles !== undefined && (await needles.advance())) advances.moved++;
        else {
          await needles?.close();
          needles = await openGenerationNeedles(env, { directory, volume });
          advances.opened++;
        }
        const live = kit.server.volumes.get(VOLUME_ID)!.liveNeedles();
        const expected = new Map(
          live.map(({ needleId, data }) => [needleId, Buffer.from(data).toString('hex')]),
        );
        expect(await readAll(needles)).toEqual(expected);
        const home = await kit.openHome();
        const { datSizeBytes, idxSizeBytes } = home.held!.position;
        await home.close();
        expect(needles.stats()).toMatchObject({ liveNeedles: expected.size, datSizeBytes, idxSizeBytes });
      }
      await needles?.close();
      expect(advances.moved).toBeGreaterThan(0);
      expect(advances.opened).toBeGreaterThan(1);
    });
  }
});

test('there are none where nothing is held', async () => {
  const { env, directory, volume } = await createSyncKit({ disk: createSimulatedDisk({ seed: 1 }) });
  const failure = await openGenerationNeedles(env, { directory, volume }).catch((error: unknown) => error);
  expect(isStoreError(failure, 'not-found')).toBe(true);
});
