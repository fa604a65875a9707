import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixIndex } from '../../src/fix.js';
import { createVolume } from '../../src/volume/create-volume.js';
import { openVolume } from '../../src/volume/open-volume.js';
import { temporaryDirectory } from '../support/fixtures.js';
import { env } from '../support/needles.js';

const NAME = '7';
const DATA = new Uint8Array(101).fill(3);

/** Two needles; of the last one's record the last byte of the padding is missing, and its entry unless it is kept. */
async function unpadded({ keepsEntry }: { keepsEntry: boolean }) {
  const directory = temporaryDirectory();
  const options = { directory, name: NAME };
  const volume = await createVolume(env, options);
  for (const needleId of [1n, 2n]) await volume.append({ needleId, cookie: 5, data: DATA });
  await volume.close();
  const [dat, idx] = [readFileSync(`${directory}/${NAME}.dat`), readFileSync(`${directory}/${NAME}.idx`)];
  writeFileSync(`${directory}/${NAME}.dat`, dat.subarray(0, -1));
  const entryBytes = idx.length / 2;
  if (!keepsEntry) writeFileSync(`${directory}/${NAME}.idx`, idx.subarray(0, entryBytes));
  const spoil = (fromEnd: number) => {
    const bytes = readFileSync(`${directory}/${NAME}.dat`);
    bytes[bytes.length - fromEnd]! ^= 1;
    writeFileSync(`${directory}/${NAME}.dat`, bytes);
  };
  return { options, datSizeBytes: dat.length, spoil };
}

describe('a last record of which only padding is missing', () => {
  it.each([true, false])('is kept by an opening for writing (with its entry: %s)', async (keepsEntry) => {
    const { options, datSizeBytes } = await unpadded({ keepsEntry });
    const volume = await openVolume(env, { ...options, mode: 'write' });
    expect((await volume.readNeedle(2n)).data).toEqual(DATA);
    expect(volume.stats().datSizeBytes).toBe(datSizeBytes);
    await volume.append({ needleId: 3n, cookie: 5, data: DATA });
    expect((await volume.readNeedle(3n)).data).toEqual(DATA);
    await volume.close();
  });

  it.each([true, false])('is kept by fix (with its entry: %s)', async (keepsEntry) => {
    const { options } = await unpadded({ keepsEntry });
    expect(await fixIndex(env, options)).toMatchObject({ liveNeedles: 2, damagedCount: 0, tailBytes: 0 });
    const volume = await openVolume(env, { ...options, mode: 'write' });
    expect((await volume.readNeedle(2n)).data).toEqual(DATA);
    await volume.close();
  });

  it('is cut where its data are not what its CRC says', async () => {
    const { options, spoil } = await unpadded({ keepsEntry: false });
    spoil(60);
    const volume = await openVolume(env, { ...options, mode: 'write' });
    await expect(volume.readNeedle(2n)).rejects.toMatchObject({ code: 'needle-not-found' });
    expect((await volume.readNeedle(1n)).data).toEqual(DATA);
    await volume.close();
  });
});

describe('a needle whose record is damaged', () => {
  it.each(['put again', 'deleted'] as const)('is healed where it is %s', async (how) => {
    const directory = temporaryDirectory();
    const volume = await createVolume(env, { directory, name: NAME });
    const { offset } = await volume.append({ needleId: 1n, cookie: 5, data: DATA });
    const file = await env.disk.open(`${directory}/${NAME}.dat`, { mode: 'write' });
    await file.writeAt(offset + 40, Uint8Array.of(99));
    await file.close();
    await expect(volume.readNeedle(1n)).rejects.toMatchObject({ code: 'corrupt' });
    if (how === 'put again') {
      await volume.append({ needleId: 1n, cookie: 5, data: DATA });
      expect((await volume.readNeedle(1n)).data).toEqual(DATA);
    } else {
      await volume.delete(1n);
      await expect(volume.readNeedle(1n)).rejects.toMatchObject({
        code: expect.stringMatching(/deleted|found/),
      });
    }
    await volume.close();
  });
});
