import { readFileSync } from 'node:fs';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../src/errors.js';
import { openGenerationVolume } from '../src/generation/generation-volume.js';
import { openVolumeHome } from '../src/generation/open-volume-home.js';
import { openNeedleStream } from '../src/needle-stream.js';
import { createVolume } from '../src/volume/create-volume.js';
import { openVolume } from '../src/volume/open-volume.js';
import type { Volume } from '../src/volume/volume.js';
import { append, build, patterned, VOLUME } from './generation/home-kit.js';
import { copyFixture, fixtureNames } from './support/fixtures.js';
import { collect, env } from './support/needles.js';

/** Needle ids that can be read by the stream, and that can be read whole; both must give the same. */
async function compareReadings(
  volume: Volume,
): Promise<readonly { needleId: bigint; isReadable: boolean }[]> {
  const seen: { needleId: bigint; isReadable: boolean }[] = [];
  for (const entry of volume.liveByOffset()) {
    const whole = await volume.readNeedle(entry.needleId).catch((error: unknown) => {
      if (!isStoreError(error, 'corrupt')) throw error;
    });
    let streamed: Buffer | undefined;
    try {
      const stream = await openNeedleStream(volume, entry, env.crc32c);
      streamed = Buffer.concat(await collect(stream.data()));
      expect(Buffer.concat(await collect(stream.data()))).toEqual(streamed);
      if (whole !== undefined) {
        const { data: _data, offset: _offset, dataOffset: _dataOffset, ...fields } = stream;
        expect(whole).toMatchObject(fields);
        expect(Buffer.compare(streamed, whole.data)).toBe(0);
      }
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      expect(error).toMatchObject({ needleId: entry.needleId, offset: entry.offset });
    }
    expect(streamed !== undefined, `needle ${entry.needleId}`).toBe(whole !== undefined);
    seen.push({ needleId: entry.needleId, isReadable: whole !== undefined });
  }
  return seen;
}

const READABLE = fixtureNames().filter((name) => !/^bad-(compaction|dat-5|dat-empty|idx|vif)/.test(name));

describe('openNeedleStream', () => {
  it.each(READABLE)('%s: gives what a whole reading gives, and fails where it fails', async (fixtureName) => {
    const { directory, name } = copyFixture(fixtureName);
    const volume = await openVolume(env, { directory, name, mode: 'read' }).catch((error: unknown) => {
      if (!isStoreError(error)) throw error;
    });
    if (volume === undefined) return;
    const seen = await compareReadings(volume);
    if (fixtureName.startsWith('bad-flip-data-o'))
      expect(seen.filter(({ isReadable }) => !isReadable)).toHaveLength(1);
    await volume.close();
  });

  it('holds no more than a piece of the data at once', async () => {
    const simulated = createSimulatedEnvironment({ seed: 1 });
    simulated.disk.plant('/v/other', new Uint8Array(0));
    await using volume = await createVolume(simulated, { directory: '/v', name: '7' });
    const data = patterned(3, 5_000_001);
    await volume.append({ needleId: 1n, cookie: 2, name: 'large', data });
    await volume.sync();
    const [entry] = volume.liveByOffset();
    const pieces = await collect((await openNeedleStream(volume, entry!, simulated.crc32c)).data());
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(256 << 10);
    expect(Buffer.compare(Buffer.concat(pieces), data)).toBe(0);
  });
});

describe('openGenerationVolume', () => {
  it('reads the needles up to the committed position, and goes on with them when the files are replaced', async () => {
    const simulated = createSimulatedEnvironment({ seed: 1 });
    simulated.disk.plant('/data/other', new Uint8Array(0));
    const fixture = copyFixture('churn-o5');
    const fileOf = (ext: string) =>
      new Uint8Array(readFileSync(`${fixture.directory}/${fixture.name}${ext}`));
    const home = await openVolumeHome(simulated, { directory: '/data', volume: VOLUME });
    await build(home, fileOf('.dat'), fileOf('.idx'));
    const volume = await openGenerationVolume(simulated, { directory: '/data', volume: VOLUME });
    await append(home.held!, patterned(9, 500), new Uint8Array(17));
    await build(home, patterned(1, 64), new Uint8Array(0), 1);
    const seen = await compareReadings(volume);
    expect(seen.length).toBe(fixture.manifest.live!.length);
    expect(seen.every(({ isReadable }) => isReadable)).toBe(true);
    expect(volume.recovery.droppedEntries).toBe(0);
    await expect(volume.append({ needleId: 1n, cookie: 1 })).rejects.toMatchObject({ code: 'read-only' });
    await volume.close();
    await home.close();
  });
});
