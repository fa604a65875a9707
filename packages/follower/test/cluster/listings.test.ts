import { createVirtualTime } from '@holdfast/testkit';
import { expect, it } from 'vitest';
import { createListings } from '../../src/cluster/listings.js';
import type { VolumeListing } from '../../src/index.js';

function listingOf(volumeCount: number): VolumeListing {
  const volumes = Array.from({ length: volumeCount }, (_, i) => ({
    volume: { volumeId: i + 1, collection: '' },
    locations: [],
    unsupported: undefined,
  }));
  return { volumes, servers: new Map(), clusterVolumeCount: volumeCount };
}

it.each([
  [0, 60],
  [10, 12],
  [500, 12],
  [1000, 6],
  [10_000, 1],
])('a cluster of %i volumes is asked for them %i times a minute', async (volumeCount, times) => {
  const { clock } = createVirtualTime();
  let nowMs = 0;
  let asked = 0;
  const fail = (error: unknown) => {
    throw error;
  };
  const listings = createListings({
    source: {
      selects: () => true,
      async list() {
        asked++;
        return listingOf(volumeCount);
      },
    },
    clock: { ...clock, monotonicMs: () => nowMs },
    signal: new AbortController().signal,
    onListed: async () => {},
    onProblem: fail,
    onFailure: fail,
  });
  for (; nowMs < 60_000; nowMs += 1000) {
    listings.begin();
    await listings.idle();
  }
  expect(asked).toBe(times);
});
