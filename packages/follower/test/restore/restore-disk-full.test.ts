import { StoreError } from '@holdfast/store';
import { createSimulatedDisk, createVirtualTime, type SimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { type RestoredVolume, restoreVolume } from '../../src/index.js';
import { createSyncKit, type SyncKit, VOLUME_ID } from '../sync-kit.js';

const OUT = '/out';

interface Kept {
  readonly kit: SyncKit;
  readonly disk: SimulatedDisk;
  /** A state that is neither the newest nor at the end of what is kept. */
  readonly asOfNs: bigint;
}

async function keptVolume(seed: number): Promise<Kept> {
  const time = createVirtualTime();
  const disk = createSimulatedDisk({ seed, capacityBytes: 4 << 20 });
  const kit = await createSyncKit({
    disk,
    clock: time.clock,
    nowNs: time.clock.nowNs,
    policy: { minFreeBytes: 0 },
  });
  const volume = kit.server.allocate(VOLUME_ID);
  const instants: bigint[] = [];
  for (let id = 1; id <= 4; id++) {
    await time.advance(1000);
    volume.put(BigInt(id), new Uint8Array(40_000).fill(id));
    if (id === 4) volume.vacuum();
    expect(await kit.sync()).toMatchObject({ ok: true });
    instants.push(time.clock.nowNs());
  }
  disk.plant(`${OUT}/.keep`, new Uint8Array(0));
  return { kit, disk, asOfNs: instants[1]! };
}

const restore = ({ kit, asOfNs }: Kept): Promise<RestoredVolume> => {
  const { env, directory, volume } = kit;
  const { signal } = new AbortController();
  return restoreVolume(env, { directory, volume, out: OUT, asOfNs, minFreeBytes: 0, signal });
};

const filesIn = (disk: SimulatedDisk, folder: string) =>
  disk.files().filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('.keep'));

describe('a disk that has no room', () => {
  it('is seen before anything is written', async () => {
    const kept = await keptVolume(1);
    const { env, directory, volume } = kept.kit;
    const free = await env.disk.freeBytes(OUT);
    kept.disk.forget();
    const { signal } = new AbortController();
    const options = { directory, volume, out: OUT, asOfNs: kept.asOfNs, signal };
    await expect(restoreVolume(env, { ...options, minFreeBytes: free })).rejects.toMatchObject({
      code: 'no-space',
    });
    expect(kept.disk.operations).toEqual([]);
  });

  it('or fills in the middle: nothing is left, and what is kept is as it was', async () => {
    const kept = await keptVolume(2);
    const before = filesIn(kept.disk, kept.kit.directory);
    for (let nth = 0; nth < 3; nth++) {
      let writes = 0;
      kept.disk.inject(({ kind }) => (kind === 'write' && writes++ === nth ? 'no-space' : undefined));
      const error = await restore(kept).catch((failure: unknown) => failure);
      kept.disk.inject(undefined);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: 'no-space' });
      expect(filesIn(kept.disk, OUT)).toEqual([]);
    }
    expect(filesIn(kept.disk, kept.kit.directory)).toEqual(before);
    expect((await restore(kept)).files).toHaveLength(3);
  });
});
