import { LeaderError } from '@holdfast/protocol';
import { createSimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { foreseeVolumes, type KnownVolume, type VolumeListing } from '../../src/index.js';
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
  return await foreseeVolumes(all, { directory, env, signal: new AbortController().signal });
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
    expect(await foresee(kit)).toMatchObject([
      { outcome: 'idle', ok: true, readBytes: idxSizeBytes, neededBytes: idxSizeBytes },
    ]);
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
