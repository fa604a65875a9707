import { crc32c } from '@holdfast/format';
import { createSeededRandom, createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { verifyFiles } from '../../src/verify.js';
import { createVolume } from '../../src/volume/create-volume.js';
import { openVolume } from '../../src/volume/open-volume.js';
import type { Volume } from '../../src/volume/volume.js';
import { collect } from '../support/needles.js';

const directory = '/d';
const name = '7';
const CRASHES = ['power', 'nothing', 'everything', 'process'] as const;

/** What each live needle holds. */
type Model = Map<bigint, Uint8Array>;

function newEnvironment(seed: number): SimulatedEnvironment {
  const env = createSimulatedEnvironment({ seed });
  env.disk.plant(`${directory}/keep`, new Uint8Array(0));
  return env;
}

/** One random change, to the volume and to the model. */
async function change(volume: Volume, model: Model, random: { nextFloat(): number }): Promise<void> {
  const needleId = BigInt(1 + Math.floor(random.nextFloat() * 24));
  const cookie = Number(needleId);
  if (random.nextFloat() < 0.3 && model.has(needleId)) {
    await volume.delete(needleId, cookie);
    model.delete(needleId);
    return;
  }
  const data = new Uint8Array(Math.floor(random.nextFloat() ** 4 * 3000)).fill(random.nextFloat() * 256);
  await volume.append({ needleId, cookie, data, name: 'n' });
  model.set(needleId, data);
}

async function contentOf(volume: Volume): Promise<Model> {
  const model: Model = new Map();
  for (const { needleId } of volume.liveByNeedleId())
    model.set(needleId, (await volume.readNeedle(needleId)).data);
  return model;
}

/** Each live needle with length and CRC, by needle id: short enough to be shown. */
const summaryOf = (model: Model) =>
  [...model]
    .sort(([a], [b]) => Number(a - b))
    .map(([needleId, data]) => `${needleId}: ${data.length} ${crc32c(data)}`);

/** The stamps of records from `fromOffset` on, in the order of the file. */
async function stampsOf(volume: Volume, fromOffset: number): Promise<bigint[]> {
  return (await collect(volume.scan({ fromOffset }))).flat().map((record) => record.appendAtNs);
}

describe('a compaction of a volume that is written', () => {
  it('is the volume that a model says, whatever was written meanwhile, and once more after a reopening', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const env = newEnvironment(seed);
      const random = createSeededRandom(seed);
      const model: Model = new Map();
      const width = seed % 2 === 0 ? 4 : 5;
      let volume = await createVolume(env, { directory, name, offsetWidthBytes: width });
      for (let round = 1; round <= 3; round++) {
        for (let i = 0; i < 30; i++) await change(volume, model, random);
        const compaction = volume.beginCompaction({ onCopied: () => change(volume, model, random) });
        const copying = compaction.copy();
        for (let i = 0; i < 5; i++) await change(volume, model, random);
        const { keptNeedles } = await copying;
        for (let i = 0; i < 5; i++) await change(volume, model, random);
        await volume.sync();
        await compaction.catchUp();
        for (let i = 0; i < 5; i++) await change(volume, model, random);
        const former = volume;
        volume = await compaction.commit();
        expect(volume.superBlock.compactionRevision).toBe(round);
        expect(summaryOf(await contentOf(volume))).toEqual(summaryOf(model));
        // Who reads the former one goes on doing so.
        expect(summaryOf(await contentOf(former))).toEqual(summaryOf(model));
        await expect(former.append({ needleId: 99n, cookie: 1 })).rejects.toMatchObject({ code: 'closed' });
        await former.close();
        const records = (await collect(volume.scan())).flat();
        const appended = records[keptNeedles]?.offset ?? volume.stats().datSizeBytes;
        const stamps = await stampsOf(volume, appended);
        expect(stamps).toEqual([...stamps].sort((a, b) => Number(a - b)));
      }
      await volume.close();
      expect(await collect(verifyFiles(env, { directory, name }))).toEqual([]);
      const again = await openVolume(env, { directory, name, mode: 'read' });
      expect(summaryOf(await contentOf(again))).toEqual(summaryOf(model));
      await again.close();
      expect(env.disk.files().filter((path) => /\.(cp[dxc]|tmp|writing)$/.test(path))).toEqual([]);
    }
  });

  it('loses nothing that was promised, whenever the machine stops', async () => {
    const revisions = new Set<number>();
    for (const kind of CRASHES) {
      for (let operations = 0, hasFinished = false; !hasFinished; operations++) {
        const env = newEnvironment(operations);
        const random = createSeededRandom(7);
        const model: Model = new Map();
        const volume = await createVolume(env, { directory, name });
        for (let i = 0; i < 30; i++) await change(volume, model, random);
        await volume.sync();
        let promised = new Map(model);
        env.disk.crashAfter(operations);
        try {
          const compaction = volume.beginCompaction();
          await compaction.copy();
          for (let i = 0; i < 3; i++) await change(volume, model, random);
          await volume.sync();
          promised = new Map(model);
          const next = await compaction.commit();
          for (let i = 0; i < 3; i++) await change(next, model, random);
          await next.sync();
          promised = new Map(model);
          await next.close();
          hasFinished = true;
        } catch {
          hasFinished = false;
        }
        env.disk.crash(kind);
        const again = await openVolume(env, { directory, name, mode: 'write' });
        revisions.add(again.superBlock.compactionRevision);
        const found = await contentOf(again);
        // Of what was under way anything may be there; what was promised, and not changed since, is.
        for (const [needleId, data] of promised)
          if (model.get(needleId) === data) expect(found.get(needleId)?.length).toBe(data.length);
        const isChanged = (needleId: bigint) => promised.get(needleId) !== model.get(needleId);
        for (const needleId of found.keys())
          if (!promised.has(needleId)) expect(isChanged(needleId), `${needleId}`).toBe(true);
        await again.close();
        expect(await collect(verifyFiles(env, { directory, name }))).toEqual([]);
        expect(env.disk.files().filter((path) => /\.cp[dxc]$/.test(path))).toEqual([]);
      }
    }
    expect([...revisions].sort()).toEqual([0, 1]);
  });

  it.each(['no-space', 'disk-failed'] as const)(
    'that fails with %s at any step: the volume goes on',
    async (code) => {
      let hasFinished = false;
      for (let failing = 0; !hasFinished; failing++) {
        const env = newEnvironment(failing);
        const random = createSeededRandom(3);
        const model: Model = new Map();
        const volume = await createVolume(env, { directory, name });
        for (let i = 0; i < 20; i++) await change(volume, model, random);
        await volume.sync();
        let step = 0;
        env.disk.inject(() => (step++ === failing ? code : undefined));
        let next: Volume | undefined;
        try {
          const compaction = volume.beginCompaction();
          await compaction.copy();
          await change(volume, model, random);
          next = await compaction.commit();
          hasFinished = step <= failing;
        } catch {
          env.disk.inject(undefined);
          // The one before the failure, or what a reopening finishes.
          expect(summaryOf(await contentOf(volume))).toEqual(summaryOf(model));
        }
        env.disk.inject(undefined);
        const present = next ?? volume;
        if (present.failure === undefined) {
          await change(present, model, random);
          await present.sync();
        }
        await present.close();
        if (next !== undefined) await volume.close();
        env.disk.crash('nothing');
        const again = await openVolume(env, { directory, name, mode: 'write' });
        expect(summaryOf(await contentOf(again))).toEqual(summaryOf(model));
        await again.close();
        expect(await collect(verifyFiles(env, { directory, name }))).toEqual([]);
      }
    },
  );
});
