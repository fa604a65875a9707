import { describe, expect, it } from 'vitest';
import { isStoreError, type StoreErrorCode } from '../../src/errors.js';
import { type OpenVolumeOptions, openVolume } from '../../src/volume/open-volume.js';
import type { Volume } from '../../src/volume/volume.js';
import { DAMAGED_CASES, type DamagedCase, SOME } from '../support/damaged-cases.js';
import { copyFixture, type Fixture, fixtureNames, type LiveNeedle, snapshot } from '../support/fixtures.js';
import { env, readAll, verifyAll } from '../support/needles.js';

const damaged = fixtureNames().filter((name) => name.startsWith('bad-'));

function caseOf(fixture: string): string {
  return fixture.replace(/^bad-/, '').replace(/-o[45]$/, '');
}

function open({ directory, name, manifest }: Fixture, mode: OpenVolumeOptions['mode']): Promise<Volume> {
  return openVolume(env, { directory, name, mode, assumedOffsetWidthBytes: manifest.offsetBytes });
}

const UNMENDED: Readonly<Record<string, StoreErrorCode>> = {
  'idx-missing': 'index-missing',
  'idx-odd-size-minus7': 'index-odd-size',
  'idx-odd-size-plus5': 'index-odd-size',
};

async function expectOutcome(volume: Volume, live: readonly LiveNeedle[], expected: DamagedCase) {
  const lost = Object.values(await readAll(volume, live)).filter((result) => result !== 'ok');
  // A flipped cookie is what it now is: nothing local shows that it was another.
  const isOther = (result: string) => result === 'other';
  expect(lost.filter((result) => !isOther(result))).toEqual([...(expected.lost ?? [])]);
  const stillThere = live.length - (expected.lost ?? []).filter((code) => code === 'needle-not-found').length;
  expect(volume.stats().liveNeedles).toBe(stillThere + (expected.extraLive ?? 0));
}

function expectRecovery(volume: Volume, expected: DamagedCase) {
  const found = Object.entries(volume.recovery).filter(([, value]) => value !== 0 && value !== 'none');
  const wanted = Object.entries(expected.recovery ?? {});
  expect(found.map(([key]) => key)).toEqual(expect.arrayContaining(wanted.map(([key]) => key)));
  expect(found.length).toBe(wanted.length);
  for (const [key, value] of wanted) {
    const actual = volume.recovery[key as keyof Volume['recovery']];
    if (value === SOME) expect(String(actual)).toMatch(SOME);
    else expect(actual).toBe(value);
  }
}

describe('damaged fixtures', () => {
  it('are all in the table, and the table has no others', () => {
    const cases = new Set(damaged.map(caseOf));
    cases.delete('unaligned-tail');
    expect([...cases].sort()).toEqual(Object.keys(DAMAGED_CASES).sort());
  });

  describe.each(damaged.filter((name) => caseOf(name) !== 'unaligned-tail'))('%s', (fixtureName) => {
    const expected = DAMAGED_CASES[caseOf(fixtureName)]!;
    const liveOf = ({ manifest }: Fixture) => manifest.unaltered?.live ?? manifest.live ?? [];

    it('is verified to what is known, untouched', async () => {
      const fixture = copyFixture(fixtureName);
      const before = snapshot(fixture.directory);
      const codes = new Set((await verifyAll(fixture)).map((finding) => finding.code));
      expect([...codes].sort()).toEqual([...expected.findings].sort());
      expect(snapshot(fixture.directory)).toEqual(before);
    });

    it('is opened for reading as recovery would leave it, untouched', async () => {
      const fixture = copyFixture(fixtureName);
      const before = snapshot(fixture.directory);
      if (expected.openError === undefined) {
        const volume = await open(fixture, 'read');
        expectRecovery(volume, expected);
        await expectOutcome(volume, liveOf(fixture), expected);
        await volume.close();
      } else {
        await expect(open(fixture, 'read')).rejects.toMatchObject({ code: expected.openError });
      }
      expect(snapshot(fixture.directory)).toEqual(before);
    });

    it('is recovered for writing, once and for all', async () => {
      const fixture = copyFixture(fixtureName);
      const before = snapshot(fixture.directory);
      if (expected.openError !== undefined) {
        await expect(open(fixture, 'write')).rejects.toMatchObject({ code: expected.openError });
        expect(snapshot(fixture.directory)).toEqual(before);
        return;
      }
      const volume = await open(fixture, 'write');
      await expectOutcome(volume, liveOf(fixture), expected);
      const { datSizeBytes, idxSizeBytes } = volume.stats();
      await volume.close();
      const after = snapshot(fixture.directory);
      expect(after[`${fixture.name}.dat`]!.length).toBe(datSizeBytes);
      expect(after[`${fixture.name}.idx`]!.length).toBe(idxSizeBytes);

      const again = await open(fixture, 'write');
      expectRecovery(again, FINE);
      await expectOutcome(again, liveOf(fixture), expected);
      await again.close();
      expect(snapshot(fixture.directory)).toEqual(after);
    });

    it('without recovery is refused or needs none', async () => {
      const fixture = copyFixture(fixtureName);
      const before = snapshot(fixture.directory);
      const { directory, name, manifest } = fixture;
      const options = { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
      try {
        const volume = await openVolume(env, { ...options, mode: 'write', recover: false });
        await volume.close();
        expect(expected.recovery).toBeUndefined();
      } catch (error) {
        const unmended = UNMENDED[caseOf(fixtureName)] ?? 'index-mismatch';
        expect(isStoreError(error, expected.openError ?? unmended)).toBe(true);
      }
      expect(snapshot(directory)).toEqual(before);
    });
  });
});

const FINE: DamagedCase = { findings: [] };

describe('bad-unaligned-tail-o4', () => {
  it('is cut behind the last whole record, and what pointed past it is dropped', async () => {
    const fixture = copyFixture('bad-unaligned-tail-o4');
    const volume = await open(fixture, 'write');
    expect(volume.stats().datSizeBytes).toBe(184);
    expect(volume.recovery).toMatchObject({ droppedEntries: 2, cutBytes: 203, addedEntries: 0 });
    expect(await readAll(volume, fixture.manifest.live ?? [])).toEqual({
      '01': 'ok',
      '03': 'needle-not-found',
      '04': 'needle-not-found',
    });
    // The entry for needle 2 points at a record that says needle 1 (format.md §11).
    await expect(volume.readNeedle(2n)).rejects.toMatchObject({ code: 'corrupt', offset: 96, needleId: 2n });
    await volume.close();
  });
});

describe('offset0-head-lost-rows', () => {
  it.each(['o4', 'o5'])('%s gets the rows that the server puts back', async (width) => {
    const fixture = copyFixture(`bad-offset0-head-lost-rows-${width}`);
    const { directory, name } = fixture;
    await (await open(fixture, 'write')).close();
    const files = snapshot(directory);
    expect(files[`${name}.idx`]).toBe(files[`after-mount-${name}.idx`]);
  });
});
