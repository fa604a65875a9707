import { SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { describe, expect, it } from 'vitest';
import { openVolume } from '../../src/volume/open-volume.js';
import { copyFixture, fixtureNames, fixturePath, snapshot } from '../support/fixtures.js';
import { collect, env, idOf, readAll, verifyAll } from '../support/needles.js';

const good = fixtureNames().filter((name) => !/^(bad-|recovery-|evolution-|far-)/.test(name));
const recoveries = fixtureNames().filter((name) => name.startsWith('recovery-'));

describe.each(good)('%s', (fixtureName) => {
  it('equals its manifest, needle by needle and record by record', async () => {
    const fixture = copyFixture(fixtureName);
    const { directory, name, manifest } = fixture;
    const before = snapshot(directory);
    const volume = await openVolume(env, {
      directory,
      name,
      mode: 'read',
      assumedOffsetWidthBytes: manifest.offsetBytes,
    });
    const live = manifest.live ?? [];
    const deleted = (manifest.deleted ?? []).map((entry) =>
      typeof entry === 'string' ? { key: entry } : entry,
    );

    expect(volume.offsetWidthBytes).toBe(manifest.offsetBytes);
    expect(volume.recovery).toMatchObject({
      cutBytes: 0,
      droppedEntries: 0,
      addedEntries: 0,
      paddedBytes: 0,
    });
    for (const [key, result] of Object.entries(await readAll(volume, live)))
      expect([key, result]).toEqual([key, 'ok']);
    expect([...volume.liveByNeedleId()].map((entry) => entry.needleId)).toEqual(
      live.map(idOf).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    );
    for (const needle of deleted) {
      await expect(volume.readNeedle(idOf(needle))).rejects.toMatchObject({ code: 'needle-not-found' });
    }

    const records = (await collect(volume.scan())).flat();
    expect(records.map(({ offset, header }) => [offset, header.needleId, header.sizeBytes])).toEqual(
      (manifest.records ?? []).map((record) => [record.offset, idOf(record), record.size]),
    );
    const last = records.at(-1);
    expect(volume.stats().lastAppendAtNs).toBe(last?.appendAtNs ?? 0n);
    expect(volume.stats().datSizeBytes).toBe(
      last === undefined ? SUPER_BLOCK_SIZE_BYTES : last.offset + last.lengthBytes,
    );
    await volume.close();

    expect((await verifyAll(fixture)).filter((finding) => finding.severity === 'damage')).toEqual([]);
    expect(snapshot(directory)).toEqual(before);
  });
});

describe.each(recoveries)('%s', (fixtureName) => {
  it('becomes what a restart of the server makes of it', async () => {
    const { directory, name, manifest } = copyFixture(fixtureName);
    const options = { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
    await (await openVolume(env, { ...options, mode: 'write' })).close();
    const expected = snapshot(fixturePath(fixtureName, 'after-restart'));
    const files = snapshot(directory);
    for (const extension of ['dat', 'idx', 'cpd', 'cpx', 'cpc']) {
      expect([extension, files[`${name}.${extension}`]]).toEqual([
        extension,
        expected[`${name}.${extension}`],
      ]);
    }
  });
});
