import {
  createSeededRandom,
  createSimulatedDisk,
  createSimulatedScheduler,
  createSlowLink,
  type StockVolume,
} from '@holdfast/testkit';
import { expect, it } from 'vitest';
import type { SyncReport } from '../src/index.js';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const NEEDLES = 24;
const NEEDLE_BYTES = 256 * KiB;
const DAY_MS = 24 * 3600 * 1000;
/** A run ends after five breaks without progress; the next one goes on. */
const RUNS_MAX = 5;
const SEED = 11;

function write(volume: StockVolume, ids: readonly number[], seed: number): void {
  const random = createSeededRandom(seed);
  for (const id of ids) volume.put(BigInt(id), random.bytes(NEEDLE_BYTES));
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

async function createWorld(bytesPerSecond: number, cutEveryBytes?: number) {
  const { time, run } = createSimulatedScheduler();
  const onFrame = createSlowLink({ time, bytesPerSecond, cutEveryBytes });
  const disk = createSimulatedDisk({ seed: SEED });
  const kit = await createSyncKit({ disk, time, onFrame });
  const volume = kit.server.allocate(VOLUME_ID);
  return {
    kit,
    volume,
    /** Runs until one proves the copy. Gives its report, and what all of them took. */
    async syncOverLink(): Promise<{ report: SyncReport; seconds: number }> {
      const startMs = time.clock.monotonicMs();
      for (let count = 1; ; count++) {
        const end = await run(() => kit.sync(), DAY_MS);
        if (end.kind !== 'done') throw new Error(`run ${count}: ${end.kind}`, { cause: end });
        const report = end.value;
        if (!report.ok && count < RUNS_MAX) continue;
        expect(report, `run ${count}`).toMatchObject({ ok: true, error: null });
        return { report, seconds: (time.clock.monotonicMs() - startMs) / 1000 };
      }
    },
  };
}

for (const rate of [100 * KiB, 20 * KiB])
  for (const cutEvery of [undefined, 3 * MiB, MiB]) {
    const cuts = cutEvery === undefined ? 'that holds' : `cut every ${cutEvery / MiB} MiB`;
    it(`${rate / KiB} KiB/s, ${cuts}: a first copy, an append and a rebase end equal`, async () => {
      const { kit, volume, syncOverLink } = await createWorld(rate, cutEvery);
      write(volume, upTo(NEEDLES), 1);
      const copied = await syncOverLink();
      expect(copied.report.outcome).toMatch(/copied|idle|rebased/);
      await kit.compare('copied');
      const leastSeconds = volume.tailBytes / rate;
      expect(copied.seconds).toBeLessThan(leastSeconds * (cutEvery === undefined ? 1.5 : 6));

      write(volume, upTo(2 * NEEDLES).slice(NEEDLES), 2);
      const appended = await syncOverLink();
      await kit.compare('appended');
      expect(appended.seconds).toBeLessThan(leastSeconds * (cutEvery === undefined ? 1.5 : 6));

      write(volume, upTo(NEEDLES), 3);
      volume.vacuum();
      await syncOverLink();
      await kit.compare('rebased');
    });
  }
