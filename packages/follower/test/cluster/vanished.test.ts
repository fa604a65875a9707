import type { StockServer } from '@holdfast/testkit';
import { expect, it } from 'vitest';
import { createClusterKit, DIRECTORY, fill } from './cluster-kit.js';

const DAY_MS = 86_400_000;

async function createVanished(serverCount = 1) {
  const kit = await createClusterKit(serverCount);
  const server = kit.servers[0] as StockServer;
  const kept = fill(server, 1);
  const gone = fill(server, 2);
  await kit.backup();
  const ownFiles = () => kit.env.disk.files().filter((path) => /\/2(\.|\/)/.test(path));
  return { kit, server, kept, gone, ownFiles };
}

it('nothing is removed unless it is asked for', async () => {
  const { kit, server, gone } = await createVanished();
  server.deleteVolume(2);
  const following = kit.follow();
  await following.until(() => following.vanished.length > 0);
  await kit.env.time.advance(60_000);
  expect(following.vanished).toEqual([{ volume: { volumeId: 2, collection: '' }, outcome: 'kept' }]);
  kit.expectEqual(gone);
});

it('what has been gone for the whole grace time is removed, over runs, and nothing else', async () => {
  const { kit, server, kept, gone, ownFiles } = await createVanished();
  server.deleteVolume(2);
  const first = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await first.until(() => first.vanished.length > 0);
  await first.end();
  await kit.env.time.advance(6 * DAY_MS);
  const second = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await second.until(() => second.vanished.length > 0);
  await second.end();
  kit.expectEqual(gone);
  await kit.env.time.advance(2 * DAY_MS);
  const third = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await third.until(() => third.vanished.length > 0);
  expect(third.vanished).toEqual([{ volume: { volumeId: 2, collection: '' }, outcome: 'pruned' }]);
  expect(ownFiles()).toEqual([]);
  kit.expectEqual(kept);
  await third.end();
  const fourth = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await fourth.until(() => fourth.volumes.size === 1);
  await kit.env.time.advance(20_000);
  expect(fourth.vanished).toEqual([]);
});

it('a volume that was back in between begins a new grace time', async () => {
  const { kit, server, gone } = await createVanished();
  server.deleteVolume(2);
  const following = kit.follow({ pruneAfterMs: 60_000 });
  await kit.env.time.advance(50_000);
  const again = server.adopt(2, gone.dat, gone.idx);
  await kit.env.time.advance(20_000);
  server.deleteVolume(2);
  await kit.env.time.advance(50_000);
  expect(following.vanished.map(({ outcome }) => outcome)).toEqual(['kept', 'kept']);
  kit.expectEqual(again);
  await following.until(() => following.vanished.at(-1)?.outcome === 'pruned');
});

it('a removal that was cut short is ended by the next run', async () => {
  const { kit, server, kept, ownFiles } = await createVanished();
  server.deleteVolume(2);
  const first = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await first.until(() => first.vanished.length > 0);
  await first.end();
  await kit.env.time.advance(8 * DAY_MS);
  await kit.env.disk.remove(`${DIRECTORY}/2.dat`);
  const second = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await second.until(() => second.vanished.length > 0);
  expect(second.vanished).toEqual([{ volume: { volumeId: 2, collection: '' }, outcome: 'pruned' }]);
  expect(ownFiles()).toEqual([]);
  kit.expectEqual(kept);
});

it('a server that is away takes no copy with it, however long', async () => {
  const { kit, server, kept, gone } = await createVanished(2);
  fill(kit.servers[1] as StockServer, 3);
  await server.stop();
  kit.unheard.add(server);
  const following = kit.follow({ pruneAfterMs: 60_000 });
  await following.until(() => following.vanished.length === 2);
  await kit.env.time.advance(600_000);
  expect(following.vanished.map(({ outcome }) => outcome)).toEqual(['kept', 'kept']);
  kit.expectEqual(kept);
  kit.expectEqual(gone);
});

it('a cluster that lists no volume at all takes no copy with it', async () => {
  const { kit, server, kept } = await createVanished();
  for (const id of [1, 2]) server.deleteVolume(id);
  const following = kit.follow({ pruneAfterMs: 1_000 });
  await kit.env.time.advance(60_000);
  expect(following.vanished.map(({ outcome }) => outcome)).toEqual(['kept', 'kept']);
  kit.expectEqual(kept);
});

it('what an operator has still to decide about stays: strays', async () => {
  const { kit, server, gone } = await createVanished();
  kit.env.disk.plant(`${DIRECTORY}/.holdfast/2/strays/1.dat`, new Uint8Array(8));
  server.deleteVolume(2);
  const following = kit.follow({ pruneAfterMs: 1_000 });
  await following.until(() => following.vanished.at(-1)?.outcome === 'held');
  kit.expectEqual(gone);
});

it('one whose position cannot be read is kept: nobody knows whose copy it is', async () => {
  const { kit, server, gone } = await createVanished();
  server.deleteVolume(2);
  kit.env.disk.plant(`${DIRECTORY}/.holdfast/2/1/position.json`, new Uint8Array(10));
  const following = kit.follow({ pruneAfterMs: 7 * DAY_MS });
  await following.until(() => following.vanished.length > 0);
  expect(following.vanished).toEqual([{ volume: { volumeId: 2, collection: '' }, outcome: 'kept' }]);
  kit.expectEqual(gone);
});

it('one that is not selected is neither told of nor removed', async () => {
  const { kit, server, gone } = await createVanished();
  server.deleteVolume(2);
  const source = { ...kit.source, selects: ({ volumeId }: { volumeId: number }) => volumeId !== 2 };
  const following = kit.follow({ source, pruneAfterMs: 1_000 });
  await following.until(() => following.volumes.size === 1);
  await kit.env.time.advance(60_000);
  expect(following.vanished).toEqual([]);
  kit.expectEqual(gone);
});
