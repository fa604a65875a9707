import { describe, expect, it } from 'vitest';
import { inspectNeedles, inspectVolume } from '../src/inspect.js';
import { createVolume } from '../src/volume/create-volume.js';
import { openVolume } from '../src/volume/open-volume.js';
import { copyFixture, fixtureNames, temporaryDirectory } from './support/fixtures.js';
import { collect, env, idOf } from './support/needles.js';

const withFields = fixtureNames().filter((name) =>
  /^(mixed|churn|version2|ttl-volume|collection)-o[45]$/.test(name),
);

describe('inspectNeedles', () => {
  it.each(withFields)('%s: gives every field as the server gives it', async (fixtureName) => {
    const { directory, name, manifest } = copyFixture(fixtureName);
    const volume = await openVolume(env, { directory, name, mode: 'read' });
    const needles = await collect(inspectNeedles(env, volume));
    const byId = new Map(needles.map((needle) => [needle.needleId, needle]));
    expect(byId.size).toBe(manifest.live!.length);
    for (const live of manifest.live!) {
      const stored = byId.get(idOf(live))!;
      expect(stored).toMatchObject({
        name: live.name ?? '',
        mime: live.mime ?? '',
        isCompressed: live.isCompressed,
        dataSizeBytes: live.storedSize,
        lastModifiedSeconds: live.lastModified ?? 0,
      });
      if (!('dataSha256' in stored)) throw new Error(`needle ${live.key} cannot be read`);
      expect(Buffer.from(stored.dataSha256).toString('hex')).toBe(live.storedSha256);
      expect(stored.pairs).toEqual(live.pairs);
    }
    await volume.close();
  });

  it('goes on behind a needle that cannot be read, and names it', async () => {
    const { directory, name } = copyFixture('bad-flip-data-o5');
    const volume = await openVolume(env, { directory, name, mode: 'read' });
    const needles = await collect(inspectNeedles(env, volume));
    expect(needles.length).toBe(12);
    expect(needles.filter((needle) => 'error' in needle)).toMatchObject([{ needleId: 0x29n, offset: 3712 }]);
    await volume.close();
  });
});

describe('inspectVolume', () => {
  it('tells counts, garbage and the order of the index', async () => {
    const { directory, name } = copyFixture('vacuum_then_append-o5');
    const volume = await openVolume(env, { directory, name, mode: 'read' });
    const { superBlock, order, stats } = await inspectVolume(volume);
    expect(superBlock.compactionRevision).toBe(2);
    expect(stats.liveNeedles).toBe(25);
    expect(order!.entryCount).toBe(stats.idxSizeBytes / 17);
    expect(order!.misfitCount).toBe(0);
    await volume.close();
  });

  it('has no order where there are no stamps', async () => {
    const { directory, name } = copyFixture('version2-o4');
    const volume = await openVolume(env, { directory, name, mode: 'read' });
    expect((await inspectVolume(volume)).order).toBeUndefined();
    await volume.close();
  });
});

it('pairs that are no object of texts are shown as none', async () => {
  const directory = temporaryDirectory();
  const volume = await createVolume(env, { directory, name: '7' });
  const pairs = ['null', '7', '[]', '{', '{"a":"b","c":1}'];
  for (const [i, text] of pairs.entries())
    await volume.append({
      needleId: BigInt(i + 1),
      cookie: 1,
      data: Uint8Array.of(1),
      pairs: new TextEncoder().encode(text),
    });
  const needles = await collect(inspectNeedles(env, volume));
  expect(needles.map((needle) => ('pairs' in needle ? needle.pairs : needle.error))).toEqual([
    {},
    {},
    {},
    {},
    { a: 'b' },
  ]);
  await volume.close();
});
