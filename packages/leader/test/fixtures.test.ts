import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bytesOf, serveDirectory, signal } from './rig.js';

const FIXTURES = fileURLToPath(new URL('../../testkit/fixtures/', import.meta.url));
const names = (await readdir(FIXTURES)).filter((name) => /-o[45]$/.test(name));
const good = names.filter((name) => !/^(bad|recovery|evolution|tools|far)-/.test(name));

test('there are fixtures', () => {
  expect(good.length).toBeGreaterThan(10);
});

test.each(good)('%s is served byte for byte', async (name) => {
  const directory = join(FIXTURES, name);
  await using served = await serveDirectory(directory);
  const session = await served.client.openSession(signal);
  const swept = await served.client.sweep(signal);
  expect(swept.length).toBeGreaterThan(0);
  for (const { volumeId, collection } of swept) {
    const base = join(directory, collection === '' ? `${volumeId}` : `${collection}_${volumeId}`);
    const volume = session.volume(volumeId, collection);
    const status = await volume.status(signal);
    const copy = await volume.openPinnedCopy(status, signal);
    expect(await bytesOf(copy.dat)).toEqual(await readFile(`${base}.dat`));
    expect(await bytesOf(copy.idx)).toEqual(await readFile(`${base}.idx`));
    await copy.close();
  }
  await session.close();
});

test.each(names.filter((name) => name.startsWith('bad-')))(
  '%s is served or refused by name',
  async (name) => {
    await using served = await serveDirectory(join(FIXTURES, name));
    const session = await served.client.openSession(signal);
    for (const file of await readdir(join(FIXTURES, name))) {
      const volumeId = Number(/^(\d+)\.dat$/.exec(file)?.[1] ?? Number.NaN);
      if (Number.isNaN(volumeId)) continue;
      const volume = session.volume(volumeId, '');
      try {
        const status = await volume.status(signal);
        const copy = await volume.openPinnedCopy(status, signal);
        const dat = await readFile(join(FIXTURES, name, file));
        expect(await bytesOf(copy.dat)).toEqual(dat.subarray(0, status.datSizeBytes));
        await copy.close();
      } catch (error) {
        expect(error).toMatchObject({
          name: 'LeaderError',
          code: expect.stringMatching(/^volume-(closed|not-found)$/),
        });
      }
    }
    await session.close();
  },
);
