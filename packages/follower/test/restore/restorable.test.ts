import { createSimulatedDisk, type StockVolume, type VirtualTime } from '@holdfast/testkit';
import { beforeEach, expect, it } from 'vitest';
import { listRestorable, releaseHeld } from '../../src/index.js';
import type { SyncKit } from '../sync-kit.js';
import { createTimedKit } from '../timed-kit.js';

let time: VirtualTime;
let kit: SyncKit;
let volume: StockVolume;

beforeEach(async () => {
  ({ time, kit, volume } = await createTimedKit(createSimulatedDisk({ seed: 4 })));
});

async function putAndSync(needleId: bigint): Promise<number> {
  await time.advance(1000);
  volume.put(needleId, new Uint8Array(50).fill(Number(needleId)));
  await time.advance(1000);
  expect(await kit.sync()).toMatchObject({ ok: true });
  return time.clock.nowMs();
}

const restorable = () => listRestorable(kit.env, kit);

it('nothing before the first commit, then one range that goes on, its commits counted', async () => {
  expect(await restorable()).toEqual([]);
  const first = await putAndSync(1n);
  await putAndSync(2n);
  const last = await putAndSync(3n);
  expect(await restorable()).toEqual([
    {
      generation: 1,
      revision: 0,
      isCurrent: true,
      heldFor: null,
      fromMs: first,
      untilMs: null,
      lastCommitMs: last,
      commits: 3,
      datSizeBytes: volume.tailBytes,
    },
  ]);
});

it('a range for each generation that is kept: they meet, and end where one has been pruned', async () => {
  const begins = [await putAndSync(1n)];
  for (let i = 2n; i < 4n; i++) {
    volume.vacuum();
    begins.push(await putAndSync(i));
  }
  const ranges = async () => (await restorable()).map(({ fromMs, untilMs }) => [fromMs, untilMs]);
  expect(await ranges()).toEqual([
    [begins[0], begins[1]],
    [begins[1], begins[2]],
    [begins[2], null],
  ]);
  const home = await kit.openHome();
  await home.hold(1, 'loss-guard');
  await home.prune({ keepForMs: 0, keepGenerations: 0 }, time.clock.nowMs());
  expect(await ranges()).toEqual([
    [begins[0], begins[1]],
    [begins[2], null],
  ]);
  expect((await restorable()).map(({ heldFor }) => heldFor)).toEqual(['loss-guard', null]);
  await releaseHeld(home);
  expect((await restorable()).map(({ heldFor }) => heldFor)).toEqual([null, null]);
  await home.close();
});
