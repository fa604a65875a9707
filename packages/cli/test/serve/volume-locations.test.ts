import type { VolumeLocation } from '@holdfast/seaweedfs';
import { createVirtualTime } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { batchLookups } from '../../src/serve/lookup-batches.js';
import { createVolumeLocations } from '../../src/serve/volume-locations.js';

const { signal } = new AbortController();

function server(name: string): VolumeLocation {
  return {
    httpAddress: `${name}:8080`,
    grpcAddress: `${name}:18080`,
    publicUrl: `${name}:80`,
    dataCenter: '',
  };
}

/** A master that says where volumes are as often as it is asked, when it is let. */
function cluster(places: Map<number, readonly VolumeLocation[]>) {
  const time = createVirtualTime();
  const asked: (readonly number[])[] = [];
  let gate = Promise.resolve();
  const lookUp = batchLookups(async (volumeIds) => {
    asked.push(volumeIds);
    await gate;
    if (places.size === 0) throw new Error('no master');
    return places;
  });
  const locations = createVolumeLocations({ lookUp, clock: time.clock, ownHttpAddress: 'own:8080' });
  return {
    time,
    asked,
    places,
    locations,
    hold() {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return () => open();
    },
  };
}

test('others that have a volume, this server left out, asked for once in ten seconds', async () => {
  const { time, asked, locations } = cluster(new Map([[3, [server('own'), server('other')]]]));
  expect(await locations.find(3, signal)).toEqual([server('other')]);
  expect(await locations.find(3, signal)).toEqual([server('other')]);
  await time.advance(9_999);
  await locations.find(3, signal);
  expect(asked).toEqual([[3]]);
  await time.advance(1);
  await locations.find(3, signal);
  expect(asked).toEqual([[3], [3]]);
});

test('that a volume is nowhere is believed for a second', async () => {
  const { time, places, locations } = cluster(new Map([[3, [server('own')]]]));
  expect(await locations.find(3, signal)).toEqual([]);
  places.set(3, [server('own'), server('other')]);
  await time.advance(999);
  expect(await locations.find(3, signal)).toEqual([]);
  await time.advance(1);
  expect(await locations.find(3, signal)).toEqual([server('other')]);
});

test('a server that did not answer is asked for again, others are not', async () => {
  const { asked, locations } = cluster(
    new Map([
      [3, [server('a')]],
      [4, [server('b')]],
    ]),
  );
  await locations.find(3, signal);
  await locations.find(4, signal);
  locations.forgetServer('a:8080');
  await locations.find(3, signal);
  await locations.find(4, signal);
  expect(asked).toEqual([[3], [4], [3]]);
});

test('those who ask while an answer is waited for share it, and others go together next', async () => {
  const { asked, locations, hold } = cluster(new Map([[3, [server('a')]]]));
  const open = hold();
  const found = [3, 3, 4, 5, 5].map((volumeId) => locations.find(volumeId, signal));
  open();
  expect((await Promise.all(found)).map((servers) => servers.length)).toEqual([1, 1, 0, 0, 0]);
  expect(asked).toEqual([[3], [4, 5]]);
});

test("a failure is everybody's who waits, and nobody's who comes later", async () => {
  const { places, locations, hold } = cluster(new Map());
  const open = hold();
  const found = Promise.allSettled([locations.find(3, signal), locations.find(3, signal)]);
  open();
  expect((await found).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  places.set(3, [server('a')]);
  expect(await locations.find(3, signal)).toEqual([server('a')]);
});

test('who gives up waits no longer, and the answer is kept for the others', async () => {
  const { asked, locations, hold } = cluster(new Map([[3, [server('a')]]]));
  const open = hold();
  const leaving = new AbortController();
  const left = locations.find(3, leaving.signal);
  const stayed = locations.find(3, signal);
  leaving.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  open();
  expect(await stayed).toEqual([server('a')]);
  await expect(locations.find(4, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(asked[0]).toEqual([3]);
});
