import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { recordLengthBytes, writeIdxEntry, writeNeedle } from '@holdfast/format';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../../src/errors.js';
import { verifyFiles } from '../../src/verify.js';
import { openVolume } from '../../src/volume/open-volume.js';
import {
  copyFixture,
  fixturePath,
  type Manifest,
  readManifest,
  snapshot,
  temporaryDirectory,
} from '../support/fixtures.js';
import { collect, env, idOf, readAll } from '../support/needles.js';

/** The records that are whole in the first `datSizeBytes`, but for padding if they have data. */
function wholeRecords({ records = [] }: Manifest, datSizeBytes: number) {
  return records.filter((record) => {
    const unpadded = record.offset + 16 + record.size + 12;
    return record.end <= datSizeBytes || (record.size > 0 && unpadded <= datSizeBytes);
  });
}

describe('a data file cut at every offset', () => {
  it.each(['tools-o4', 'tools-o5'])('%s: is the volume up to the last whole record', async (fixtureName) => {
    const manifest = readManifest(fixtureName);
    const name = `${manifest.volumeId}`;
    const simulated = createSimulatedEnvironment({ seed: 1 });
    const dat = readFileSync(fixturePath(fixtureName, `${name}.dat`));
    const idx = readFileSync(fixturePath(fixtureName, `${name}.idx`));
    simulated.disk.plant(`/d/${name}.idx`, idx);
    const entries = idx.length / (manifest.offsetBytes + 12);
    expect(entries).toBe(manifest.records!.length);
    const options = {
      directory: '/d',
      name,
      mode: 'read',
      assumedOffsetWidthBytes: manifest.offsetBytes,
    } as const;
    for (let cut = dat.length; cut >= 8; cut--) {
      simulated.disk.plant(`/d/${name}.dat`, dat.subarray(0, cut));
      const whole = wholeRecords(manifest, cut);
      const volume = await openVolume(simulated, options);
      const { datSizeBytes } = volume.stats();
      const { droppedEntries } = volume.recovery;
      await volume.close();
      // A deletion that lacks only padding has an entry, which is proof enough.
      const [next] = manifest.records!.slice(whole.length);
      const isUnpadded = next?.size === 0 && next.offset + 28 <= cut;
      const expected = isUnpadded ? next.end : (whole.at(-1)?.end ?? 8);
      expect([cut, datSizeBytes, droppedEntries]).toEqual([
        cut,
        expected,
        entries - whole.length - (isUnpadded ? 1 : 0),
      ]);
    }
    simulated.disk.plant(`/d/${name}.dat`, dat.subarray(0, 7));
    await expect(openVolume(simulated, options)).rejects.toMatchObject({
      code: 'no-super-block',
    });
  });
});

describe('any bytes changed in data or index', () => {
  it('give a volume or a typed error, for every call, and reading changes no file', async () => {
    const { directory, name } = copyFixture('tools-o5');
    const original = {
      dat: readFileSync(`${directory}/${name}.dat`),
      idx: readFileSync(`${directory}/${name}.idx`),
    };
    const change = fc.record({
      file: fc.constantFrom('dat' as const, 'idx' as const),
      at: fc.nat(2000),
      bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 24 }), fc.constant(new Uint8Array(32))),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const files = { dat: Buffer.from(original.dat), idx: Buffer.from(original.idx) };
        for (const { file, at, bytes } of changes)
          files[file].set(
            bytes.subarray(0, files[file].length - (at % files[file].length)),
            at % files[file].length,
          );
        for (const extension of ['dat', 'idx'] as const)
          writeFileSync(`${directory}/${name}.${extension}`, files[extension]);
        const before = snapshot(directory);
        try {
          const volume = await openVolume(env, { directory, name, mode: 'read' });
          for (const { needleId } of volume.liveByNeedleId()) {
            await volume
              .readNeedle(needleId)
              .catch((error) => expect(isStoreError(error, 'corrupt')).toBe(true));
          }
          await volume.close();
        } catch (error) {
          expect(isStoreError(error)).toBe(true);
        }
        await collect(verifyFiles(env, { directory, name, assumedOffsetWidthBytes: 5 }));
        expect(snapshot(directory)).toEqual(before);
        // Mended once, it needs no mending.
        try {
          await (await openVolume(env, { directory, name, mode: 'write' })).close();
        } catch (error) {
          expect(isStoreError(error)).toBe(true);
          return;
        }
        const again = await openVolume(env, { directory, name, mode: 'write', recover: false });
        await again.close();
      }),
      { numRuns: 150 },
    );
  });
});

describe('records of two layouts', () => {
  it('as a remount leaves them in a volume of version 2 are refused, whichever comes last', async () => {
    for (const lastVersion of [2, 3] as const) {
      const { directory, name } = copyFixture('version2-label-v3-records-o5');
      const dat = readFileSync(`${directory}/${name}.dat`);
      const content = { needleId: 0x99n, cookie: 1, data: new Uint8Array(40), appendAtNs: 5n };
      const added = [writeNeedle(content, 2), ...(lastVersion === 3 ? [writeNeedle(content, 3)] : [])];
      let offset = dat.length;
      const entries = added.map((bytes) => {
        const entry = writeIdxEntry({ needleId: 0x99n, offset, sizeBytes: 45 }, 5);
        offset += bytes.length;
        return entry;
      });
      writeFileSync(`${directory}/${name}.dat`, Buffer.concat([dat, ...added]));
      writeFileSync(
        `${directory}/${name}.idx`,
        Buffer.concat([readFileSync(`${directory}/${name}.idx`), ...entries]),
      );
      const before = snapshot(directory);
      await expect(openVolume(env, { directory, name, mode: 'write' })).rejects.toMatchObject({
        code: 'unsupported-version',
      });
      expect(snapshot(directory)).toEqual(before);
    }
  });
});

describe('records without entries', () => {
  const record = (needleId: bigint, appendAtNs: bigint) =>
    writeNeedle({ needleId, cookie: 1, data: new Uint8Array(40).fill(7), appendAtNs }, 3);

  it('a bad one with a good one behind it is corruption, never a cut', async () => {
    const { directory, name } = copyFixture('tools-o5');
    const path = `${directory}/${name}.dat`;
    const dat = readFileSync(path);
    const bad = record(0x70n, 1n);
    bad[30]! ^= 1;
    writeFileSync(path, Buffer.concat([dat, bad, record(0x71n, 2n)]));
    const before = snapshot(directory);
    for (const mode of ['read', 'write'] as const) {
      await expect(openVolume(env, { directory, name, mode })).rejects.toMatchObject({
        code: 'corrupt',
        remedy: 'rebuild',
        offset: dat.length,
        needleId: 0x70n,
      });
    }
    expect(snapshot(directory)).toEqual(before);
    writeFileSync(path, Buffer.concat([dat, record(0x71n, 2n), bad]));
    const volume = await openVolume(env, { directory, name, mode: 'write' });
    expect(volume.recovery).toMatchObject({ addedEntries: 1, cutBytes: bad.length });
    expect(volume.stats().datSizeBytes).toBe(dat.length + recordLengthBytes(3, 45));
    await volume.close();
  });

  it('an entry in the middle of the index that points past the end is taken out, the others stay', async () => {
    const { directory, name, manifest } = copyFixture('tools-o5');
    const path = `${directory}/${name}.idx`;
    const idx = readFileSync(path);
    const stray = Buffer.from(idx.subarray(0, 17));
    stray.writeUInt32BE(0x00ffffff, 8);
    writeFileSync(path, Buffer.concat([idx.subarray(0, 51), stray, idx.subarray(51)]));
    const volume = await openVolume(env, { directory, name, mode: 'write' });
    expect(volume.recovery.droppedEntries).toBe(1);
    expect(new Set(Object.values(await readAll(volume, manifest.live!)))).toEqual(new Set(['ok']));
    await volume.close();
    expect(readFileSync(path)).toEqual(idx);
  });
});

describe('the files of a compaction that do not fit', () => {
  it('are refused, and the former pair stays', async () => {
    const { directory, name, manifest } = copyFixture('recovery-marker-only-cpx-o5');
    // The `.dat` was not swapped: the one from before the compaction, with the index from after it.
    const former = readFileSync(
      fixturePath('recovery-no-marker-o5', `${readManifest('recovery-no-marker-o5').volumeId}.dat`),
    );
    writeFileSync(`${directory}/${name}.dat`, former);
    const volume = await openVolume(env, { directory, name, mode: 'write' });
    expect(volume.recovery.compaction).toBe('misfit');
    expect(new Set(Object.values(await readAll(volume, manifest.live!)))).toEqual(new Set(['ok']));
    await volume.close();
    expect(Object.keys(snapshot(directory)).filter((file) => /\.cp[dxc]$/.test(file))).toEqual([]);
  });

  it('with nothing that fits is an error, and nothing is touched', async () => {
    const { directory, name } = copyFixture('recovery-marker-only-cpx-o5');
    const other = readFileSync(fixturePath('churn-o5', `${readManifest('churn-o5').volumeId}.dat`));
    writeFileSync(`${directory}/${name}.dat`, other);
    const before = snapshot(directory);
    await expect(openVolume(env, { directory, name, mode: 'write' })).rejects.toMatchObject({
      code: 'index-mismatch',
    });
    expect(snapshot(directory)).toEqual(before);
  });
});

describe('far offsets', () => {
  it.each(['o4', 'o5'])('%s: records beyond 32 GiB are found, wrapped or not', async (width) => {
    const fixtureName = `far-offsets-sparse-${width}`;
    const manifest = readManifest(fixtureName) as Manifest & {
      rebuild: { superBlockHex: string; tailOffset: string; datSize: string };
    };
    const directory = temporaryDirectory();
    const { superBlockHex, tailOffset, datSize } = manifest.rebuild;
    const file = openSync(`${directory}/700.dat`, 'w');
    ftruncateSync(file, Number(datSize));
    writeSync(file, Buffer.from(superBlockHex, 'hex'), 0, 8, 0);
    const tail = readFileSync(fixturePath(fixtureName, '700.dat.tail'));
    writeSync(file, tail, 0, tail.length, Number(tailOffset));
    closeSync(file);
    writeFileSync(`${directory}/700.idx`, readFileSync(fixturePath(fixtureName, '700.idx')));

    const volume = await openVolume(env, { directory, name: '700', mode: 'read' });
    expect(volume.offsetWidthBytes).toBe(manifest.offsetBytes);
    expect(volume.recovery).toMatchObject({ cutBytes: 0, droppedEntries: 0, addedEntries: 0 });
    expect(new Set(Object.values(await readAll(volume, manifest.live!)))).toEqual(new Set(['ok']));
    for (const needle of manifest.deleted as { key: string }[])
      expect(volume.find(idOf(needle))).toBeUndefined();
    expect(volume.stats().liveNeedles).toBe(manifest.live!.length);
    await volume.close();
  });
});
