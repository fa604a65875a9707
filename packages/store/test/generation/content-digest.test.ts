import { createSimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import { append, build, patterned, VOLUME } from './home-kit.js';

const WHERE = { directory: '/data', volume: VOLUME };
const IDX = patterned(2, 170);

test('one digest for the content: the same for the same bytes, however they came', async () => {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant('/data/other', new Uint8Array(0));
  const home = await openVolumeHome(env, WHERE);
  const contentDigest = async (generation: number) => {
    const reader = await openGenerationReader(env, { ...WHERE, generation });
    try {
      return await reader.contentDigest();
    } finally {
      await reader.close();
    }
  };

  const dat = patterned(1, 200_000);
  await build(home, dat, IDX, 0);
  await build(home, dat.subarray(0, 150_000), IDX.subarray(0, 153), 0);
  expect(await contentDigest(2)).not.toBe(await contentDigest(1));
  await append(home.held!, dat.subarray(150_000), IDX.subarray(153));
  expect(await contentDigest(2)).toBe(await contentDigest(1));
  const other = dat.slice();
  other[10]! ^= 1;
  await build(home, other, IDX, 0);
  expect(await contentDigest(3)).not.toBe(await contentDigest(1));
  await home.close();
});
