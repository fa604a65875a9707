import { renameSync, rmSync } from 'node:fs';
import { type IdxEntry, type OffsetWidthBytes, parseIdxEntry } from '@holdfast/format';
import { describe, expect, it } from 'vitest';
import { fixIndex } from '../src/fix.js';
import { openVolume } from '../src/volume/open-volume.js';
import { copyFixture, fixtureNames, fixturePath, snapshot } from './support/fixtures.js';
import { env, readAll, verifyAll } from './support/needles.js';

function entriesOf(content: string, width: OffsetWidthBytes): IdxEntry[] {
  const bytes = Buffer.from(content, 'latin1');
  const entries: IdxEntry[] = [];
  for (let at = 0; at < bytes.length; at += 12 + width) entries.push(parseIdxEntry(bytes, at, width));
  return entries;
}

const good = fixtureNames().filter((name) => !/^(bad-|recovery-|evolution-|far-)/.test(name));

describe('fixIndex', () => {
  it.each(good)('%s: every live needle stays, empty ones by the old word', async (fixtureName) => {
    const fixture = copyFixture(fixtureName);
    const { directory, name, manifest } = fixture;
    const options = { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
    const dat = snapshot(directory)[`${name}.dat`];
    const report = await fixIndex(env, options);
    expect(report).toMatchObject({ damagedCount: 0, ambiguousRecords: 0, tailBytes: 0 });
    expect(report.liveNeedles).toBe(manifest.live?.length);
    expect(snapshot(directory)[`${name}.dat`]).toBe(dat);
    const volume = await openVolume(env, { ...options, mode: 'read' });
    for (const [key, result] of Object.entries(await readAll(volume, manifest.live ?? []))) {
      expect([key, result]).toEqual([key, 'ok']);
    }
    await volume.close();
    expect((await verifyAll(fixture)).filter((finding) => finding.severity === 'damage')).toEqual([]);
  });

  it.each([4, 5] as const)(
    'without an index gives what the tool of the servers gives (offsets of %d bytes)',
    async (width) => {
      const { directory, name } = copyFixture(`tools-o${width}`);
      rmSync(`${directory}/${name}.idx`);
      const report = await fixIndex(env, { directory, name });
      const ours = entriesOf(snapshot(directory)[`${name}.idx`]!, width);
      const theirs = entriesOf(snapshot(fixturePath(`tools-o${width}`, 'fix'))[`${name}.idx`]!, width);
      const lastWins = (entries: IdxEntry[]) =>
        new Map(
          [...new Map(entries.map((entry) => [entry.needleId, entry]))].filter(
            ([, entry]) => entry.sizeBytes > 0,
          ),
        );
      expect(lastWins(ours)).toEqual(lastWins(theirs));
      expect(report.entries).toBe(ours.length);
    },
  );

  it('without an index says how many records nothing tells from deletions', async () => {
    const { directory, name, manifest } = copyFixture('churn-o5');
    rmSync(`${directory}/${name}.idx`);
    const withData = manifest.live!.filter((needle) => needle.size > 0).length;
    const report = await fixIndex(env, { directory, name });
    expect(report).toMatchObject({ emptyNeedlesKept: 0, liveNeedles: withData });
    expect(report.ambiguousRecords).toBeGreaterThan(0);
  });

  it.each([
    'flip-idx-key',
    'flip-idx-offset',
    'flip-idx-size',
    'idx-short-three',
    'idx-odd-size-plus5',
    'offset0-head-lost-rows',
  ])('mends %s', async (damage) => {
    for (const width of ['o4', 'o5']) {
      const fixture = copyFixture(`bad-${damage}-${width}`);
      const { directory, name, manifest } = fixture;
      await fixIndex(env, { directory, name });
      const volume = await openVolume(env, { directory, name, mode: 'write', recover: false });
      const results = await readAll(volume, manifest.unaltered?.live ?? manifest.live ?? []);
      expect(new Set(Object.values(results))).toEqual(new Set(['ok']));
      await volume.close();
      expect(await verifyAll(fixture)).toEqual([]);
    }
  });

  it.each(['flip-data', 'flip-header-size', 'flip-header-size-high', 'flip-data-size'])(
    '%s: the damaged needle stays an error and is reported, and no former content comes back',
    async (damage) => {
      const { directory, name, manifest } = copyFixture(`bad-${damage}-o4`);
      const report = await fixIndex(env, { directory, name });
      expect(report.damaged).toMatchObject([{ offset: 3240, needleId: 0x29n }]);
      const volume = await openVolume(env, { directory, name, mode: 'read' });
      const results = Object.entries(await readAll(volume, manifest.unaltered!.live)).filter(
        ([, result]) => result !== 'ok',
      );
      expect(results).toEqual([['29', 'corrupt']]);
      await volume.close();
    },
  );

  it('goes on behind damage without any index, at the next record that proves itself', async () => {
    const damaged = copyFixture('bad-flip-header-size-high-o5');
    rmSync(`${damaged.directory}/${damaged.name}.idx`);
    const options = { directory: damaged.directory, name: damaged.name, assumedOffsetWidthBytes: 5 as const };
    // Needle 29 is lost with its header; the deletion of needle 28 right behind it has no data to prove itself by.
    expect(await fixIndex(env, options)).toMatchObject({ damagedCount: 1, entries: 20, liveNeedles: 12 });
  });

  it('keeps deletions that never had a record', async () => {
    const { directory, name } = copyFixture('bad-offset0-tombstones-tail-o5');
    expect(await fixIndex(env, { directory, name })).toMatchObject({ liveNeedles: 10 });
  });

  it('leaves the former index in place when it cannot rebuild', async () => {
    const { directory, name } = copyFixture('bad-superblock-version-9-o5');
    const before = snapshot(directory);
    await expect(fixIndex(env, { directory, name })).rejects.toMatchObject({ code: 'unsupported-version' });
    expect(snapshot(directory)).toEqual(before);
    renameSync(`${directory}/${name}.dat`, `${directory}/gone`);
    await expect(fixIndex(env, { directory, name })).rejects.toMatchObject({ code: 'not-found' });
  });
});
