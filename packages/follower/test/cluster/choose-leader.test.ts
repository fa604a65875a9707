import { RpcError } from '@holdfast/protocol';
import type { StockServer, StockVolume } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { type ClusterKit, createClusterKit, fill } from './cluster-kit.js';

const MINUTE_MS = 60_000;

/** The same needles, stamped by another server. */
function fillReplica(server: StockServer, volumeId: number): StockVolume {
  const replica = server.allocate(volumeId);
  replica.put(99n, new Uint8Array(10));
  replica.delete(99n);
  return fill(server, volumeId);
}

/** Volume 1 on two servers, followed from the first one. */
async function createReplicas(): Promise<{
  kit: ClusterKit;
  first: StockServer;
  second: StockServer;
  original: StockVolume;
  replica: StockVolume;
}> {
  const kit = await createClusterKit(2);
  const [first, second] = kit.servers as [StockServer, StockServer];
  const original = fill(first, 1);
  const replica = fillReplica(second, 1);
  expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'copied', server: kit.nameOf(first) }]);
  return { kit, first, second, original, replica };
}

describe('which replica is followed', () => {
  it('the one that is pinned, whichever is listed first', async () => {
    const { kit, first, original } = await createReplicas();
    const { list } = kit.source;
    const backwards = async (signal: AbortSignal) => {
      const listing = await list(signal);
      const volumes = listing.volumes.map((known) => ({
        ...known,
        locations: [...known.locations].reverse(),
      }));
      return { ...listing, volumes };
    };
    kit.source.list = backwards;
    fill(first, 1);
    expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'appended', server: kit.nameOf(first) }]);
    kit.expectEqual(original);
  });

  it('a first copy comes from any that answers', async () => {
    const kit = await createClusterKit(2);
    const [down, up] = kit.servers as [StockServer, StockServer];
    fill(down, 1);
    const replica = fillReplica(up, 1);
    await down.stop();
    expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'copied', server: kit.nameOf(up) }]);
    kit.expectEqual(replica);
  });

  it('one that is down is waited for, listed or not', async () => {
    const { kit, first, original } = await createReplicas();
    await first.stop();
    expect(await kit.backup()).toMatchObject([{ ok: false, code: 'leader-unreachable' }]);
    kit.unheard.add(first);
    expect(await kit.backup()).toMatchObject([{ ok: false, code: 'leader-unreachable' }]);
    await kit.env.time.advance(1_000 * MINUTE_MS);
    expect(await kit.backup()).toMatchObject([{ ok: false, code: 'leader-unreachable' }]);
    kit.expectEqual(original);
    kit.unheard.clear();
    await first.start();
    expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'idle' }]);
  });

  it('a volume that was moved is followed where it is now, at once', async () => {
    const { kit, first, second, replica } = await createReplicas();
    first.deleteVolume(1);
    expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'rebased', server: kit.nameOf(second) }]);
    kit.expectEqual(replica);
    expect(await kit.backup()).toMatchObject([{ ok: true, outcome: 'idle' }]);
  });

  it('a server that does not list it and cannot be asked may still have it: waited for', async () => {
    const { kit, first, original } = await createReplicas();
    first.deleteVolume(1);
    first.hooks = {
      beforeCall() {
        throw new RpcError('unavailable', 'no route');
      },
    };
    expect(await kit.backup()).toMatchObject([{ ok: false, code: 'leader-unreachable' }]);
    kit.expectEqual(original);
  });
});

describe('--failover-after', () => {
  it('counts over runs, goes to the highest tail, keeps the old generation', async () => {
    const kit = await createClusterKit(3);
    const [first, low, high] = kit.servers as [StockServer, StockServer, StockServer];
    fill(first, 1);
    expect(await kit.backup()).toMatchObject([{ outcome: 'copied' }]);
    fillReplica(low, 1);
    const replica = fillReplica(high, 1);
    fill(high, 1, 5);
    await first.stop();
    kit.unheard.add(first);
    const failoverAfterMs = 10 * MINUTE_MS;
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([{ code: 'leader-unreachable' }]);
    await kit.env.time.advance(9 * MINUTE_MS);
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([{ code: 'leader-unreachable' }]);
    await kit.env.time.advance(2 * MINUTE_MS);
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([
      { ok: true, outcome: 'rebased', server: kit.nameOf(high) },
    ]);
    kit.expectEqual(replica);
    const kept = kit.env.disk.files().filter((path) => /\.holdfast\/1\/1\/1\.dat$/.test(path));
    expect(kept).toHaveLength(1);
    // The former one is back: the new one stays pinned.
    kit.unheard.clear();
    await first.start();
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([
      { outcome: 'idle', server: kit.nameOf(high) },
    ]);
  });

  it('where no replica answers the wait goes on; one that answers is taken, whatever the others do', async () => {
    const kit = await createClusterKit(3);
    const [first, silent, answering] = kit.servers as [StockServer, StockServer, StockServer];
    const original = fill(first, 1);
    expect(await kit.backup()).toMatchObject([{ outcome: 'copied' }]);
    for (const replica of [silent, answering]) fillReplica(replica, 1);
    for (const server of kit.servers) await server.stop();
    const failoverAfterMs = MINUTE_MS;
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([{ code: 'leader-unreachable' }]);
    await kit.env.time.advance(2 * MINUTE_MS);
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([
      { code: 'leader-unreachable', server: kit.nameOf(first) },
    ]);
    kit.expectEqual(original);
    await answering.start();
    expect(await kit.backup({ failoverAfterMs })).toMatchObject([
      { ok: true, outcome: 'rebased', server: kit.nameOf(answering) },
    ]);
    await silent.start();
    await first.start();
  });

  it('a replica that ends lower than the highest is not taken, in whatever order they are asked', async () => {
    const kit = await createClusterKit(3);
    const [first, high, low] = kit.servers as [StockServer, StockServer, StockServer];
    fill(first, 1);
    expect(await kit.backup()).toMatchObject([{ outcome: 'copied' }]);
    fillReplica(high, 1);
    fill(high, 1, 5);
    fillReplica(low, 1);
    first.deleteVolume(1);
    expect(await kit.backup()).toMatchObject([{ ok: true, server: kit.nameOf(high) }]);
  });

  it('a server that was away and came back in time begins a new wait', async () => {
    const { kit, first } = await createReplicas();
    const failoverAfterMs = 10 * MINUTE_MS;
    for (let round = 0; round < 3; round++) {
      await first.stop();
      expect(await kit.backup({ failoverAfterMs })).toMatchObject([{ code: 'leader-unreachable' }]);
      await kit.env.time.advance(6 * MINUTE_MS);
      await first.start();
      expect(await kit.backup({ failoverAfterMs })).toMatchObject([{ outcome: 'idle' }]);
      await kit.env.time.advance(6 * MINUTE_MS);
    }
  });

  it('under follow: after the wait, not before', async () => {
    const { kit, first, second, replica } = await createReplicas();
    const following = kit.follow({ failoverAfterMs: 5 * MINUTE_MS });
    await following.until(() => following.volumes.get('1')?.report.ok === true);
    await first.stop();
    const isThere = () => following.volumes.get('1')?.report.server === kit.nameOf(second);
    const tookMs = await following.until(isThere, 10 * MINUTE_MS);
    expect(tookMs).toBeGreaterThan(5 * MINUTE_MS - 1);
    expect(tookMs).toBeLessThan(5.5 * MINUTE_MS);
    kit.expectEqual(replica);
    fill(second, 1);
    await following.until(() => kit.copy(1).dat.length === replica.dat.length, 5_000);
  });
});
