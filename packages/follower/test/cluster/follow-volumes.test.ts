import { describe, expect, it } from 'vitest';
import { createClusterKit, fill, INTERVAL_MS } from './cluster-kit.js';

/** For the work of a turn itself, which takes virtual time as well. */
const WORK_MS = 500;
const HOUR_MS = 3_600_000;

describe('many volumes of several servers', () => {
  it('each is copied, and what is written is there within one interval', async () => {
    const kit = await createClusterKit(3);
    const volumes = kit.servers.flatMap((server, at) =>
      [1, 2, 3, 4].map((number) => fill(server, 10 * at + number)),
    );
    const following = kit.follow();
    await following.until(() =>
      volumes.every(({ volumeId }) => following.volumes.get(`${volumeId}`)?.report.ok),
    );
    for (const volume of volumes) kit.expectEqual(volume);
    for (let round = 0; round < 5; round++) {
      for (const { volumeId } of volumes) fill(kit.servers[Math.floor(volumeId / 10)]!, volumeId, 2);
      const isThere = () =>
        volumes.every(({ volumeId, dat }) => kit.copy(volumeId).dat.length === dat.length);
      expect(await following.until(isThere)).toBeLessThan(INTERVAL_MS + WORK_MS);
    }
    await following.end();
    for (const volume of volumes) kit.expectEqual(volume);
  });

  it('an idle volume is left alone, but for its proofs, which are spread', async () => {
    const kit = await createClusterKit(1);
    for (let id = 1; id <= 40; id++) fill(kit.servers[0]!, id);
    const following = kit.follow({ proveEveryMs: 100_000 });
    await following.until(() => following.volumes.size === 40);
    const firstCount = following.reports.length;
    expect(firstCount).toBe(40);
    const perTenth: number[] = [];
    let before = firstCount;
    for (let tenth = 0; tenth < 10; tenth++) {
      await kit.env.time.advance(10_000);
      perTenth.push(following.reports.length - before);
      before = following.reports.length;
    }
    expect(following.reports.slice(firstCount).every(({ outcome }) => outcome === 'idle')).toBe(true);
    for (const followed of following.volumes.values()) {
      expect(kit.env.clock.nowMs() - followed.indexProvedAtMs!).toBeLessThanOrEqual(100_000);
    }
    // All in one tenth would be 40.
    expect(Math.max(...perTenth)).toBeLessThan(15);
  });

  it('volumes that appear are followed; one that vanishes is kept, told once, and followed when it is back', async () => {
    const kit = await createClusterKit(1);
    const [server] = kit.servers;
    fill(server!, 1);
    const second = fill(server!, 2);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 2);
    fill(server!, 3);
    await following.until(() => following.volumes.get('3')?.report.ok === true, 10_000);
    server!.deleteVolume(2);
    await following.until(() => following.vanished.length > 0, 10_000);
    expect(following.vanished).toEqual([{ volume: { volumeId: 2, collection: '' }, outcome: 'kept' }]);
    expect(following.volumes.get('2')).toMatchObject({ hasVanished: true, report: { ok: true } });
    kit.expectEqual(second);
    await kit.env.time.advance(20_000);
    expect(following.vanished).toHaveLength(1);
    const again = server!.adopt(2, second.dat, second.idx);
    fill(server!, 2);
    await following.until(() => following.volumes.get('2')?.hasVanished === false, 10_000);
    await following.until(() => kit.copy(2).dat.length === again.dat.length, 10_000);
    kit.expectEqual(again);
  });

  it('one whose disk fails while what was built takes its place says that it failed, and goes on from there', async () => {
    const kit = await createClusterKit(1);
    const [server] = kit.servers;
    const volume = fill(server!, 1);
    const isMarker = (path: string | undefined) => path?.endsWith('/.holdfast/1/swap') ?? false;
    kit.env.disk.inject(({ kind, to }) => (kind === 'rename' && isMarker(to) ? 'no-space' : undefined));
    expect(await kit.backup()).toMatchObject([{ outcome: 'failed', code: 'no-space' }]);
    kit.env.disk.inject(undefined);
    expect(await kit.backup()).toMatchObject([{ ok: true, code: null }]);
    kit.expectEqual(volume);
  });

  it('one that becomes erasure coded is unsupported, told once, and kept', async () => {
    const kit = await createClusterKit(1);
    const [server] = kit.servers;
    fill(server!, 1);
    const coded = fill(server!, 2);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 2);
    server!.deleteVolume(2);
    kit.listedToo.push({
      volume: { volumeId: 2, collection: '' },
      locations: [],
      unsupported: 'erasure-coded',
    });
    await following.until(() => following.volumes.get('2')?.report.outcome === 'unsupported', 10_000);
    const reported = following.reports.length;
    await kit.env.time.advance(30_000);
    expect(following.reports).toHaveLength(reported);
    expect(following.vanished).toEqual([]);
    kit.expectEqual(coded);
  });
});

describe('a server that does not do its part holds up no other', () => {
  it('sweeps that hang', async () => {
    const kit = await createClusterKit(2);
    const [bad, good] = kit.servers;
    for (let id = 1; id <= 6; id++) fill(bad!, id);
    for (let id = 11; id <= 16; id++) fill(good!, id);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 12);
    bad!.hooks = { beforeCall: () => new Promise(() => undefined) };
    for (let round = 0; round < 20; round++) {
      const volume = fill(good!, 11 + (round % 6));
      const tookMs = await following.until(() => kit.copy(volume.volumeId).dat.length === volume.dat.length);
      expect(tookMs).toBeLessThan(INTERVAL_MS + WORK_MS);
    }
  });

  it('calls that stall in the middle of every turn', async () => {
    const kit = await createClusterKit(3);
    const [bad, worse, good] = kit.servers;
    for (let id = 1; id <= 12; id++) fill(bad!, id);
    for (let id = 21; id <= 32; id++) fill(worse!, id);
    for (let id = 11; id <= 16; id++) fill(good!, id + 30);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 30);
    for (const server of [bad!, worse!])
      server.hooks = {
        beforeCall: ({ method }) => (method === 'GET /status' ? undefined : new Promise(() => undefined)),
      };
    for (let id = 1; id <= 12; id++) {
      fill(bad!, id);
      fill(worse!, id + 20);
    }
    // All places may be taken until the stall is seen.
    await kit.env.time.advance(15_000);
    for (let round = 0; round < 40; round++) {
      const volume = fill(good!, 41 + (round % 6));
      const tookMs = await following.until(() => kit.copy(volume.volumeId).dat.length === volume.dat.length);
      expect(tookMs).toBeLessThan(INTERVAL_MS + WORK_MS);
    }
    expect(following.volumes.get('41')).toMatchObject({ report: { ok: true } });
  });

  it('one volume that stalls: the others of its server go on', async () => {
    const kit = await createClusterKit(1);
    const [server] = kit.servers;
    for (let id = 1; id <= 8; id++) fill(server!, id);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 8);
    server!.hooks = {
      beforeCall: ({ volumeId }) =>
        volumeId === 3 || volumeId === 4 ? new Promise(() => undefined) : undefined,
    };
    fill(server!, 3);
    fill(server!, 4);
    await kit.env.time.advance(10_000);
    for (let round = 0; round < 10; round++) {
      const volume = fill(server!, 5 + (round % 4));
      const tookMs = await following.until(() => kit.copy(volume.volumeId).dat.length === volume.dat.length);
      expect(tookMs).toBeLessThan(INTERVAL_MS + WORK_MS);
    }
  });

  it('one that is down: its volumes say so, and are there again when it is', async () => {
    const kit = await createClusterKit(2);
    const [down, up] = kit.servers;
    for (let id = 1; id <= 6; id++) fill(down!, id);
    fill(up!, 11);
    const following = kit.follow();
    await following.until(() => following.volumes.size === 7);
    await down!.stop();
    const isDown = () =>
      [1, 2, 3, 4, 5, 6].every((id) => following.volumes.get(`${id}`)?.report.code === 'leader-unreachable');
    await following.until(isDown, HOUR_MS);
    const tries = following.reports.length;
    await kit.env.time.advance(300_000);
    // About one a minute each, not one a second.
    expect(following.reports.length - tries).toBeLessThan(6 * 8);
    expect(following.volumes.get('11')).toMatchObject({ report: { ok: true } });
    await down!.start();
    await following.until(() => following.volumes.get('1')?.report.ok === true, 15_000);
    await following.until(() => [...following.volumes.values()].every(({ report }) => report.ok), 15_000);
  });

  it('a master that hangs, and one that fails', async () => {
    const kit = await createClusterKit(1);
    const volume = fill(kit.servers[0]!, 1);
    let listings = 0;
    const { list } = kit.source;
    const following = kit.follow({
      source: {
        selects: () => true,
        list(signal) {
          listings++;
          if (listings === 1) return list(signal);
          if (listings === 2) throw new Error('no answer');
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          });
        },
      },
    });
    await following.until(() => following.volumes.size === 1);
    await kit.env.time.advance(20_000);
    expect(listings).toBe(3);
    expect(following.problems).toHaveLength(1);
    fill(kit.servers[0]!, 1);
    expect(await following.until(() => kit.copy(1).dat.length === volume.dat.length)).toBeLessThan(
      INTERVAL_MS + WORK_MS,
    );
  });
});

describe('what is told fails', () => {
  it('under follow: it ends, with that failure', async () => {
    const kit = await createClusterKit(1);
    fill(kit.servers[0]!, 1);
    const following = kit.follow({
      onVolume() {
        throw new Error('no room for the status');
      },
    });
    await expect(following.until(() => false)).rejects.toThrow('no room for the status');
  });

  it('under backup: it ends, and begins no further volume', async () => {
    const kit = await createClusterKit(1);
    for (let id = 1; id <= 40; id++) fill(kit.servers[0]!, id);
    let told = 0;
    const run = kit.backup({
      turnLimits: { turnsAtOnce: 1, turnsPerServer: 1 },
      onReport() {
        told++;
        throw new Error('no room for the status');
      },
    });
    await expect(run).rejects.toThrow('no room for the status');
    expect(told).toBe(1);
  });

  it('a volume that no server has now is told as that, and the others go on', async () => {
    const kit = await createClusterKit(1);
    const volume = fill(kit.servers[0]!, 1);
    const nowhere = { volume: { volumeId: 9, collection: '' }, locations: [], unsupported: undefined };
    kit.listedToo.push(nowhere);
    expect(await kit.backup()).toMatchObject([{ ok: true }, { ok: false, code: 'volume-not-found' }]);
    const following = kit.follow();
    await following.until(() => following.volumes.get('9')?.report.code === 'volume-not-found');
    const before = volume.dat.length;
    fill(kit.servers[0]!, 1);
    expect(volume.dat.length).toBeGreaterThan(before);
    await following.until(() => kit.copy(1).dat.length === volume.dat.length);
    expect(following.volumes.get('9')).toMatchObject({ lagBytes: 0, report: { server: '' } });
  });
});
