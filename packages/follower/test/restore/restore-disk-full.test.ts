import { StoreError } from '@holdfast/store';
import { createSimulatedDisk, type SimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { type RestoredVolume, restoreVolume } from '../../src/index.js';
import { createTimedKit, OUT, type TimedKit } from '../timed-kit.js';

interface Kept extends TimedKit {
  /** A state that is neither the newest nor at the end of what is kept. */
  readonly asOfNs: bigint;
}

async function keptVolume(seed: number): Promise<Kept> {
  const disk = createSimulatedDisk({ seed, capacityBytes: 4 << 20 });
  const timed = await createTimedKit(disk, { policy: { minFreeBytes: 0 } });
  const instantsNs: bigint[] = [];
  for (let id = 1; id <= 4; id++) {
    const change = () => {
      timed.volume.put(BigInt(id), new Uint8Array(40_000).fill(id));
      if (id === 4) timed.volume.vacuum();
    };
    instantsNs.push(await timed.step(change));
  }
  return { ...timed, asOfNs: instantsNs[1]! };
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
