import { createFailingDisk, createSimulatedDisk, createVirtualTime } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { findNeedle, listRestorable, type RestoreVolumeOptions, restoreVolume } from '../src/index.js';
import { changesSince } from './changes/changes-kit.js';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

/** Where there are more calls, so many of them are tried, spread evenly. */
const CALLS_TRIED_MAX = 50;

/** A copy with a former generation, an append and a rewritten index behind it, on a disk of which any call can fail. */
async function keptVolume() {
  const time = createVirtualTime();
  const disk = createFailingDisk(createSimulatedDisk({ seed: 1 }));
  const kit = await createSyncKit({
    disk,
    clock: time.clock,
    nowNs: time.clock.nowNs,
    policy: { minFreeBytes: 0 },
  });
  const volume = kit.server.allocate(VOLUME_ID);
  const instantsNs: bigint[] = [];
  const step = async (change: () => void) => {
    await time.advance(1000);
    change();
    expect(await kit.sync()).toMatchObject({ ok: true });
    instantsNs.push(time.clock.nowNs());
  };
  const data = (id: number) => new Uint8Array(9000).fill(id);
  await step(() => {
    for (let id = 1; id <= 6; id++) volume.put(BigInt(id), data(id));
  });
  await step(() => void volume.delete(2n));
  await step(() => void volume.put(7n, data(7)));
  await step(() => volume.vacuum());
  await step(() => void volume.put(3n, data(8)));
  disk.plant('/out/.keep', new Uint8Array(0));
  return { kit, disk, volume, instantsNs };
}

type Kept = Awaited<ReturnType<typeof keptVolume>>;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? `failed: ${error.code}` : String(error);

async function spread(disk: Kept['disk'], run: () => Promise<unknown>): Promise<number[]> {
  disk.failAt(undefined);
  await run();
  const { calls } = disk;
  const step = Math.max(1, Math.ceil(calls / CALLS_TRIED_MAX));
  return Array.from({ length: Math.ceil(calls / step) }, (_, i) => i * step);
}

describe('a disk that fails at any one call of a run: it is told, and the next run ends equal', () => {
  const lives: Record<string, (kept: Kept) => void> = {
    'an idle one': () => {},
    'an append': ({ volume }) => void volume.put(20n, new Uint8Array(5000)),
    'a compaction': ({ volume }) => {
      volume.delete(5n);
      volume.vacuum();
    },
    'another index': ({ volume }) => {
      const { dat, idx } = volume;
      volume.load(dat, Buffer.concat([idx.subarray(17), idx.subarray(0, 17)]));
    },
    'the volume made anew': ({ kit, volume }) => {
      const needles = volume.liveNeedles();
      kit.server.deleteVolume(VOLUME_ID);
      const anew = kit.server.allocate(VOLUME_ID);
      for (const { needleId, data } of needles) anew.put(needleId, data);
    },
  };
  for (const [name, change] of Object.entries(lives))
    it(name, async () => {
      const first = await keptVolume();
      change(first);
      for (const call of await spread(first.disk, () => first.kit.sync())) {
        const kept = await keptVolume();
        change(kept);
        kept.disk.failAt(call);
        const code = await kept.kit
          .sync()
          .then((report) => (report.ok ? 'done' : `failed: ${report.code}`), codeOf);
        expect(['done', 'failed: disk-failed'], `call ${call}`).toContain(code);
        kept.disk.failAt(undefined);
        expect(await kept.kit.sync(), `after call ${call}`).toMatchObject({ ok: true });
        await kept.kit.compare(`after call ${call}`);
      }
    });
});

describe('a disk that fails at any one call of a reading: it is told, and nothing else is given instead', () => {
  const options = ({ kit, instantsNs }: Kept): RestoreVolumeOptions => ({
    directory: kit.directory,
    volume: kit.volume,
    out: '/out',
    asOfNs: instantsNs[1]!,
    minFreeBytes: 0,
    signal: new AbortController().signal,
  });
  const readings: Record<string, (kept: Kept) => Promise<unknown>> = {
    changes: async ({ kit }) => (await changesSince(kit)).map(({ text }) => text),
    'what can be restored': ({ kit }) => listRestorable(kit.env, kit),
    'a needle that was overwritten': async ({ kit: { env, directory, volume }, instantsNs }) => {
      const { signal } = new AbortController();
      const where = { directory, volume, asOfNs: instantsNs[3], needleId: 3n, cookie: 3, signal };
      return (await findNeedle(env, where)).needle.data;
    },
    'a restored volume': async (kept) => {
      await restoreVolume(kept.kit.env, options(kept));
      return kept.disk.peek(`/out/${VOLUME_ID}.dat`);
    },
  };
  for (const [name, run] of Object.entries(readings))
    it(name, async () => {
      const kept = await keptVolume();
      const clear = async () => {
        kept.disk.failAt(undefined);
        for (const path of kept.disk.files()) if (/^\/out\/[^.]/.test(path)) await kept.disk.remove(path);
      };
      const expected = await run(kept);
      await clear();
      for (const call of await spread(kept.disk, () => run(kept))) {
        await clear();
        kept.disk.failAt(call);
        const found = await run(kept).catch(codeOf);
        if (found !== 'failed: disk-failed') expect(found, `call ${call}`).toEqual(expected);
      }
      await clear();
    });
});
