import { createSeededRandom } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import type { StoredVolume } from '../../src/index.js';
import { expectSound, newMachine, openStore, put, readAll, text } from './machine.js';

/** What a needle may hold: more than one thing where a write failed. `undefined`: it is not there. */
type Model = Map<number, readonly (string | undefined)[]>;

test('whatever a disk refuses, what was promised is there, and what was refused is there whole or not at all', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const env = newMachine(seed);
    const random = createSeededRandom(seed);
    const chance = () => random.nextFloat();
    const model: Model = new Map();
    let store = await openStore(env);
    await store.allocate({ volumeId: 7, collection: '' });
    for (let round = 0; round < 8; round++) {
      env.disk.inject(() => {
        if (chance() > 0.03) return undefined;
        return chance() < 0.5 ? 'no-space' : 'disk-failed';
      });
      const volume = store.find(7)!;
      await Promise.all([
        writeAtOnce(volume, model, chance),
        chance() < 0.5 ? compact(volume) : Promise.resolve(),
      ]);
      env.disk.inject(undefined);
      if (chance() < 0.3) env.disk.crash(chance() < 0.5 ? 'process' : 'power');
      else if (chance() < 0.5) await store.close();
      else {
        // What failed is opened again, what did not stays open.
        await expectModel(await store.mount(7), model);
        continue;
      }
      store = await openStore(env);
      await expectModel(store.find(7)!, model);
    }
    await store.close();
    await expectSound(env);
    env.disk.crash('nothing');
    await expectModel((await openStore(env)).find(7)!, model);
  }
});

async function compact(volume: StoredVolume): Promise<void> {
  try {
    await volume.compact();
    await volume.commitCompaction();
  } catch {
    // Refused: the volume is as it was.
  }
}

/** Eight writers, each with needles of its own. */
async function writeAtOnce(volume: StoredVolume, model: Model, chance: () => number): Promise<void> {
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; i < 4; i++) {
      const id = 1 + writer * 4 + Math.floor(chance() * 4);
      const former = model.get(id) ?? [undefined];
      const content = chance() < 0.3 ? undefined : `${chance()}`.repeat(1 + Math.floor(chance() * 20));
      model.set(id, [...former, content]);
      try {
        if (content === undefined) await volume.delete(BigInt(id), { cookie: id });
        else await put(volume, id, text(content));
        model.set(id, [content]);
      } catch (error) {
        if ((error as { code?: string }).code === 'needle-not-found') model.set(id, former);
      }
    }
  });
  await Promise.all(writers);
}

/** Checks every needle, and narrows the model down to what was found. */
async function expectModel(volume: StoredVolume, model: Model): Promise<void> {
  for (const [id, allowed] of model) {
    const found = await readAll(volume, id).then(
      (data) => data.toString(),
      (error: { code: string }) => {
        expect(error.code).toBe('needle-not-found');
        return undefined;
      },
    );
    expect(allowed).toContain(found);
    model.set(id, [found]);
  }
}
