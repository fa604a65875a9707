import { describe, expect, it } from 'vitest';
import { compactVolume } from '../src/compact.js';
import { createVolume } from '../src/volume/create-volume.js';
import { openVolume } from '../src/volume/open-volume.js';
import { copyFixture, snapshot, temporaryDirectory } from './support/fixtures.js';
import { env, readAll, verifyAll } from './support/needles.js';

describe('compactVolume', () => {
  it.each([
    'churn-o4',
    'churn-o5',
    'mixed-o5',
    'version1-o4',
    'version2-o5',
    'version2-label-v3-records-o4',
    'empty-o5',
    'makeup_diff_then_ops-o4',
  ])('%s: keeps every live needle, in the order of the file, and nothing else', async (fixtureName) => {
    const fixture = copyFixture(fixtureName);
    const { directory, name, manifest } = fixture;
    const options = { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
    const before = await openVolume(env, { ...options, mode: 'read' });
    const order = [...before.liveByOffset()].map((entry) => entry.needleId);
    const stamps = new Map<bigint, bigint>();
    for (const id of order) stamps.set(id, (await before.readNeedle(id)).appendAtNs);
    const { compactionRevision } = before.superBlock;
    await before.close();

    const report = await compactVolume(env, options);
    expect(report).toMatchObject({ keptNeedles: order.length, compactionRevision: compactionRevision + 1 });
    expect(Object.keys(snapshot(directory)).filter((file) => /\.cp[dxc]$/.test(file))).toEqual([]);

    const after = await openVolume(env, { ...options, mode: 'read' });
    expect(after.superBlock.compactionRevision).toBe(compactionRevision + 1);
    expect(after.stats()).toMatchObject({
      garbageBytes: 0,
      deletedNeedles: 0,
      datSizeBytes: report.datSizeBytes,
    });
    expect([...after.liveByOffset()].map((entry) => entry.needleId)).toEqual(order);
    for (const id of order) expect((await after.readNeedle(id)).appendAtNs).toBe(stamps.get(id));
    expect(new Set(Object.values(await readAll(after, manifest.live ?? [])))).toEqual(
      new Set(order.length === 0 ? [] : ['ok']),
    );
    await after.close();
    expect((await verifyAll(fixture)).filter((finding) => finding.severity === 'damage')).toEqual([]);
  });

  it('wraps the revision after 65535', async () => {
    const { directory, name } = copyFixture('churn-o5');
    const dat = await env.disk.open(`${directory}/${name}.dat`, { mode: 'write' });
    await dat.writeAt(4, Uint8Array.of(0xff, 0xff));
    await dat.close();
    expect((await compactVolume(env, { directory, name })).compactionRevision).toBe(0);
  });

  it('carries a damaged needle over as it is, and says so', async () => {
    const fixture = copyFixture('bad-flip-data-o5');
    const { directory, name, manifest } = fixture;
    expect(await compactVolume(env, { directory, name })).toMatchObject({
      keptNeedles: 12,
      damagedNeedles: 1,
    });
    const volume = await openVolume(env, { directory, name, mode: 'read' });
    const results = Object.values(await readAll(volume, manifest.unaltered!.live));
    expect(results.filter((result) => result !== 'ok')).toEqual(['corrupt']);
    await volume.close();
  });

  it('writes nothing where there is too little space, and leaves nothing where it is ended', async () => {
    const { directory, name } = copyFixture('churn-o5');
    const before = snapshot(directory);
    const full = compactVolume(env, { directory, name, minFreeBytes: 2 ** 60 });
    await expect(full).rejects.toMatchObject({ code: 'no-space' });
    const signal = AbortSignal.abort(new Error('ended'));
    await expect(compactVolume(env, { directory, name, signal })).rejects.toThrow('ended');
    expect(snapshot(directory)).toEqual(before);
  });

  it('changes nothing where an entry points at another record', async () => {
    const { directory, name } = copyFixture('bad-flip-header-key-o5');
    const before = snapshot(directory);
    await expect(compactVolume(env, { directory, name })).rejects.toMatchObject({
      code: 'corrupt',
      offset: 3712,
    });
    const volume = await openVolume(env, { directory, name, mode: 'write' });
    await volume.close();
    expect(snapshot(directory)).toEqual(before);
  });
});

describe('needles longer than what is held at once', () => {
  it('are carried over as they are, a damaged one too', async () => {
    const directory = temporaryDirectory();
    const options = { directory, name: '7' };
    const lengthsBytes = [400_000, 400_000, 400_000, 2_500_000, 10, 1_200_000, 400_000];
    const dataOf = (id: number) => new Uint8Array(lengthsBytes[id]!).map((_, i) => (i * (id + 3)) ^ (i >> 8));
    const volume = await createVolume(env, options);
    const offsets: number[] = [];
    for (const id of lengthsBytes.keys())
      offsets.push((await volume.append({ needleId: BigInt(id), cookie: 1, data: dataOf(id) })).offset);
    await volume.delete(0n);
    await volume.close();
    const file = await env.disk.open(`${directory}/7.dat`, { mode: 'write' });
    await file.writeAt(offsets[5]! + 900_000, Uint8Array.of(1, 2, 3));
    await file.close();
    expect(await compactVolume(env, options)).toMatchObject({ keptNeedles: 6, damagedNeedles: 1 });
    const after = await openVolume(env, { ...options, mode: 'read' });
    for (const id of [1, 2, 3, 4, 6])
      expect(Buffer.compare((await after.readNeedle(BigInt(id))).data, dataOf(id)), `needle ${id}`).toBe(0);
    await expect(after.readNeedle(5n)).rejects.toMatchObject({ code: 'corrupt', needleId: 5n });
    await after.close();
  });
});
