import { LeaderError } from '@holdfast/protocol';
import { createSimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import {
  foreseeVolumes,
  type KnownVolume,
  type SyncForecast,
  type SyncReport,
  type VolumeListing,
} from '../../src/index.js';
import { createSyncKit, type SyncKit, VOLUME_ID } from '../sync-kit.js';

async function kitWithVolume(): Promise<SyncKit> {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 5 }), policy: { minFreeBytes: 0 } });
  const volume = kit.server.allocate(VOLUME_ID);
  for (let id = 1; id <= 4; id++) volume.put(BigInt(id), new Uint8Array(500).fill(id));
  return kit;
}

async function foresee(
  kit: SyncKit,
  changes: Partial<KnownVolume> = {},
  listing: Partial<VolumeListing> = {},
  takeOver = false,
) {
  const location = { server: 'stock', leader: kit.leader };
  const known = { volume: kit.volume, locations: [location], unsupported: undefined, ...changes };
  const all = {
    volumes: [known],
    servers: new Map([['stock', kit.leader]]),
    clusterVolumeCount: 1,
    ...listing,
  };
  const { directory, env } = kit;
  return await foreseeVolumes(all, { directory, env, takeOver, signal: new AbortController().signal });
}

/** And a run does so. */
async function expectAsForeseen(
  kit: SyncKit,
  forecast: SyncForecast,
  outcome: SyncReport['outcome'],
  reason: string,
): Promise<void> {
  expect(forecast).toMatchObject({ ok: true, outcome, reason });
  const report = await kit.syncAndCompare(outcome);
  expect(report.outcome).toBe(outcome);
  expect(report.reason).toContain(reason);
}

describe('what a sync would do', () => {
  it('is a first copy, nothing, an append, a rebase; and nothing is written to find out', async () => {
    const kit = await kitWithVolume();
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    const bytes = () => volume.dat.length + volume.idx.length;
    const disk = kit.env.disk as ReturnType<typeof createSimulatedDisk>;
    const foreseen = async () => {
      disk.forget();
      const [forecast] = await foresee(kit);
      expect(disk.operations).toEqual([]);
      return forecast;
    };
    expect(await foreseen()).toMatchObject({
      outcome: 'copied',
      ok: true,
      readBytes: bytes(),
      neededBytes: bytes(),
    });
    await kit.syncAndCompare('copied');
    expect(await foreseen()).toMatchObject({ outcome: 'idle', ok: true, server: 'stock', neededBytes: 0 });
    const before = volume.dat.length;
    volume.put(9n, new Uint8Array(700));
    const grown = volume.dat.length - before;
    const appended = await foreseen();
    expect(appended).toMatchObject({ outcome: 'appended', datSize: volume.dat.length });
    expect(appended!.readBytes).toBeGreaterThanOrEqual(grown);
    await kit.syncAndCompare('appended');
    volume.delete(1n);
    volume.vacuum();
    expect(await foreseen()).toMatchObject({ outcome: 'rebased', revision: 1 });
  });

  it('is an index that has to be taken over: no record is read for it', async () => {
    const kit = await kitWithVolume();
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    await kit.syncAndCompare('copied');
    volume.load(volume.dat, volume.idx.subarray(17));
    const idxSizeBytes = volume.idx.length;
    const [forecast] = await foresee(kit);
    expect(forecast).toMatchObject({ ok: true, readBytes: idxSizeBytes, neededBytes: idxSizeBytes });
    await expectAsForeseen(kit, forecast!, 'appended', 'the index sizes differ');
  });

  it("is a leader's index that was rewritten in place, no longer than before", async () => {
    const kit = await kitWithVolume();
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    await kit.syncAndCompare('copied');
    const [first, second] = [volume.idx.slice(0, 17), volume.idx.slice(17, 34)];
    volume.load(volume.dat, Uint8Array.of(...second, ...first, ...volume.idx.slice(34)));
    const [forecast] = await foresee(kit);
    await expectAsForeseen(kit, forecast!, 'appended', 'the indexes differ');
  });

  it('is a volume that was made anew under its id, as long as the one before', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    kit.server.deleteVolume(VOLUME_ID);
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1; id <= 4; id++) volume.put(BigInt(id), new Uint8Array(500).fill(id + 4));
    const [forecast] = await foresee(kit);
    await expectAsForeseen(kit, forecast!, 'rebased', "what is held does not end in the leader's bytes");
  });

  it('is a copy whose index somebody has written anew', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    const disk = kit.env.disk as ReturnType<typeof createSimulatedDisk>;
    const path = `${kit.directory}/${VOLUME_ID}.idx`;
    const idx = disk.peek(path);
    disk.plant(path, Uint8Array.of(...idx.slice(17, 34), ...idx.slice(0, 17), ...idx.slice(34)));
    const [forecast] = await foresee(kit);
    await expectAsForeseen(kit, forecast!, 'rebased', 'nothing is held');
  });

  it('is a copy that a server has written into: it is refused, unless it is to be taken over', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    const disk = kit.env.disk as ReturnType<typeof createSimulatedDisk>;
    const path = `${kit.directory}/${VOLUME_ID}.dat`;
    disk.plant(path, Uint8Array.of(...disk.peek(path).fill(9, 40, 50), ...new Uint8Array(64)));
    disk.forget();
    expect(await foresee(kit)).toMatchObject([{ outcome: 'failed', code: 'directory-served' }]);
    await expect(kit.openHome()).rejects.toMatchObject({ code: 'directory-served' });
    expect(await foresee(kit, {}, {}, true)).toMatchObject([{ outcome: 'rebased', ok: true }]);
  });

  it('is an append behind files that a crash left longer', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    const disk = kit.env.disk as ReturnType<typeof createSimulatedDisk>;
    const path = `${kit.directory}/${VOLUME_ID}.dat`;
    disk.plant(path, Uint8Array.of(...disk.peek(path), ...new Uint8Array(64)));
    kit.server.volumes.get(VOLUME_ID)!.put(9n, new Uint8Array(100));
    const [forecast] = await foresee(kit);
    await expectAsForeseen(kit, forecast!, 'appended', '144 bytes behind the overlap');
  });

  it('is what a run does that meets a compaction, and no range is asked for beside it', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    const volume = kit.server.volumes.get(VOLUME_ID)!;
    volume.put(9n, new Uint8Array(100));
    volume.compact();
    const [forecast] = await foresee(kit);
    const whole = 'a compaction stays open on the leader: whole files';
    expect(forecast).toMatchObject({ outcome: 'rebased', reason: whole });
    expect(await kit.sync({ vacuumWaitMs: 0 })).toMatchObject({ outcome: 'rebased', ok: true });
  });

  it('is not found out on a disk that fails', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    (kit.env.disk as ReturnType<typeof createSimulatedDisk>).spoil(
      `${kit.directory}/.holdfast/${VOLUME_ID}/1/position.json`,
      0,
      8,
    );
    expect(await foresee(kit)).toMatchObject([{ outcome: 'failed', ok: false, code: 'disk-failed' }]);
  });

  it('is told of volumes that cannot be followed, and of servers that do not answer', async () => {
    const kit = await kitWithVolume();
    expect(await foresee(kit, { unsupported: 'erasure-coded' as never })).toMatchObject([
      { outcome: 'unsupported', ok: false, code: 'unsupported' },
    ]);
    expect(await foresee(kit, { locations: [] })).toMatchObject([
      { outcome: 'failed', code: 'volume-not-found', server: '' },
    ]);
    const dead = {
      ...kit.leader,
      openSession: () => Promise.reject(new LeaderError('unreachable', 'nobody is there')),
    };
    const both = [
      { server: 'dead', leader: dead },
      { server: 'stock', leader: kit.leader },
    ];
    expect(await foresee(kit, { locations: both })).toMatchObject([{ outcome: 'copied', server: 'stock' }]);
    expect(await foresee(kit, { locations: both.slice(0, 1) })).toMatchObject([
      { outcome: 'failed', code: 'leader-unreachable' },
    ]);
    const broken = { ...kit.leader, openSession: () => Promise.reject(new TypeError('a mistake')) };
    await expect(foresee(kit, { locations: [{ server: 'x', leader: broken }] })).rejects.toThrow('a mistake');
    const unnameable = [{ volumeId: 9, collection: 'a/b' }];
    expect(await foresee(kit, {}, { unnameable } as never)).toMatchObject([
      { outcome: 'copied' },
      { outcome: 'unsupported', id: 9 },
    ]);
  });

  it('takes a position that cannot be read for none', async () => {
    const kit = await kitWithVolume();
    await kit.syncAndCompare('copied');
    const disk = kit.env.disk as ReturnType<typeof createSimulatedDisk>;
    disk.plant(`${kit.directory}/.holdfast/${VOLUME_ID}/1/position.json`, new Uint8Array(10));
    expect(await foresee(kit)).toMatchObject([{ outcome: 'rebased', ok: true }]);
  });
});
