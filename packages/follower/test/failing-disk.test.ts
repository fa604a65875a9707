import { createFailingDisk, createSimulatedDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { findNeedle, listRestorable, type RestoreVolumeOptions, restoreVolume } from '../src/index.js';
import { changesSince } from './changes/changes-kit.js';
import { VOLUME_ID } from './sync-kit.js';
import { createTimedKit, OUT } from './timed-kit.js';

/** Where there are more calls, so many of them are tried, spread evenly. */
const CALLS_TRIED_MAX = 50;

/** A copy with a former generation, an append and a rewritten index behind it, on a disk of which any call can fail. */
async function keptVolume() {
  const disk = createFailingDisk(createSimulatedDisk({ seed: 1 }));
  const { kit, volume, step } = await createTimedKit(disk, { policy: { minFreeBytes: 0 } });
  const data = (id: number) => new Uint8Array(9000).fill(id);
  const changes = [
    () => {
      for (let id = 1; id <= 6; id++) volume.put(BigInt(id), data(id));
    },
    () => void volume.delete(2n),
    () => void volume.put(7n, data(7)),
    () => volume.vacuum(),
    () => void volume.put(3n, data(8)),
  ];
  const instantsNs: bigint[] = [];
  for (const change of changes) instantsNs.push(await step(change));
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
    out: OUT,
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
      return kept.disk.peek(`${OUT}/${VOLUME_ID}.dat`);
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
