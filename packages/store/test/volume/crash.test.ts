import { readFileSync } from 'node:fs';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { compactVolume } from '../../src/compact.js';
import { fixIndex } from '../../src/fix.js';
import { verifyFiles } from '../../src/verify.js';
import { createVolume } from '../../src/volume/create-volume.js';
import { openVolume } from '../../src/volume/open-volume.js';
import type { Volume } from '../../src/volume/volume.js';
import { fixturePath, readManifest } from '../support/fixtures.js';
import { collect } from '../support/needles.js';

const directory = '/d';
const CRASHES = ['power', 'nothing', 'everything', 'process'] as const;

function plant(env: SimulatedEnvironment, fixtureName: string): { name: string } {
  const name = `${readManifest(fixtureName).volumeId}`;
  for (const extension of ['dat', 'idx']) {
    env.disk.plant(
      `${directory}/${name}.${extension}`,
      readFileSync(fixturePath(fixtureName, `${name}.${extension}`)),
    );
  }
  return { name };
}

async function liveIds(volume: Volume): Promise<string[]> {
  const ids: string[] = [];
  for (const { needleId } of volume.liveByNeedleId())
    ids.push(`${needleId}:${(await volume.readNeedle(needleId)).crc}`);
  return ids;
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

/** Runs `run` with a crash before every one of its operations, in turn, and `check` on what is left each time. */
async function crashEverywhere(
  fixtureName: string,
  run: (env: SimulatedEnvironment, name: string) => Promise<unknown>,
  check: (env: SimulatedEnvironment, name: string, hasFinished: boolean) => Promise<void>,
): Promise<void> {
  for (const kind of CRASHES) {
    for (let operations = 0, hasFinished = false; !hasFinished; operations++) {
      const env = createSimulatedEnvironment({ seed: operations });
      const { name } = plant(env, fixtureName);
      env.disk.crashAfter(operations);
      hasFinished = await run(env, name).then(
        () => true,
        () => false,
      );
      env.disk.crash(kind);
      await check(env, name, hasFinished);
    }
  }
}

describe('a crash before any operation', () => {
  it('of a compaction leaves the former volume or the new one, whole', async () => {
    const revisions = new Set<number>();
    let live: string[] | undefined;
    await crashEverywhere(
      'churn-o5',
      (env, name) => {
        for (const derived of ['rdb', 'sdx', 'ldb/000001.log'])
          env.disk.plant(`${directory}/${name}.${derived}`, Uint8Array.of(1));
        return compactVolume(env, { directory, name });
      },
      async (env, name, hasFinished) => {
        const volume = await openVolume(env, { directory, name, mode: 'write' });
        const { compactionRevision } = volume.superBlock;
        revisions.add(compactionRevision);
        if (hasFinished) expect(compactionRevision).toBe(1);
        live ??= await liveIds(volume);
        expect(await liveIds(volume)).toEqual(live);
        await volume.close();
        // What servers derived from the former index is never beside the new one.
        const files = env.disk.files().filter((path) => !/\.(rdb|sdx|ldb\/.*)$/.test(path));
        expect(files).toEqual([`${directory}/${name}.dat`, `${directory}/${name}.idx`]);
        if (compactionRevision === 1) expect(env.disk.files()).toEqual(files);
        expect(await collect(verifyFiles(env, { directory, name }))).toEqual([]);
      },
    );
    expect([...revisions].sort()).toEqual([0, 1]);
  });

  it('of what completes or undoes a compaction that was killed leaves the former volume or the new one, whole', async () => {
    let live: string[] | undefined;
    for (let operations = 0, isThrough = false; !isThrough; operations++)
      for (let later = 0, isOpen = false; !isOpen; later++)
        for (let seed = 0; seed < 5; seed++) {
          const env = createSimulatedEnvironment({ seed });
          const { name } = plant(env, 'churn-o5');
          const whole = { directory, name };
          env.disk.crashAfter(operations);
          isThrough = await succeeds(compactVolume(env, whole));
          env.disk.crash('process');
          env.disk.crashAfter(later);
          isOpen = await succeeds(openVolume(env, { ...whole, mode: 'write' }));
          env.disk.crash('power');
          const volume = await openVolume(env, { ...whole, mode: 'write' });
          live ??= await liveIds(volume);
          expect(await liveIds(volume), `killed before ${operations}, the power before ${later}`).toEqual(
            live,
          );
          await volume.close();
        }
  });

  it.each([
    'bad-torn-two-needles-o5',
    'bad-idx-short-three-o4',
    'bad-offset0-head-lost-rows-o5',
    'bad-torn-padding-o4',
  ])('of the recovery of %s leaves what recovers to the same', async (fixtureName) => {
    const whole = createSimulatedEnvironment({ seed: 0 });
    const { name } = plant(whole, fixtureName);
    await (await openVolume(whole, { directory, name, mode: 'write' })).close();
    await crashEverywhere(
      fixtureName,
      async (env) => (await openVolume(env, { directory, name, mode: 'write' })).close(),
      async (env) => {
        await (await openVolume(env, { directory, name, mode: 'write' })).close();
        for (const extension of ['dat', 'idx']) {
          const path = `${directory}/${name}.${extension}`;
          expect(env.disk.peek(path)).toEqual(whole.disk.peek(path));
        }
      },
    );
  });

  it('of a fix leaves the former index or the new one', async () => {
    const lengths = new Set<number>();
    await crashEverywhere(
      'bad-idx-short-three-o5',
      (env, name) => fixIndex(env, { directory, name }),
      async (env, name, hasFinished) => {
        const { length } = env.disk.peek(`${directory}/${name}.idx`);
        lengths.add(length);
        if (hasFinished) expect(length).toBe(22 * 17);
      },
    );
    expect([...lengths].sort()).toEqual([19 * 17, 22 * 17]);
  });

  it('of appends keeps what a sync has made durable, and of the rest only whole needles', async () => {
    const needle = (id: number) => ({ needleId: BigInt(id), cookie: id, data: new Uint8Array(700).fill(id) });
    for (const kind of CRASHES) {
      for (let operations = 0, hasFinished = false; !hasFinished; operations++) {
        const env = createSimulatedEnvironment({ seed: operations });
        env.disk.plant(`${directory}/keep`, new Uint8Array(0));
        const volume = await createVolume(env, { directory, name: '7' });
        const synced: number[] = [];
        env.disk.crashAfter(operations);
        try {
          for (let id = 1; id <= 6; id++) {
            await volume.append(needle(id));
            if (id % 2 === 1) continue;
            await volume.sync();
            synced.push(id - 1, id);
          }
          hasFinished = true;
        } catch {
          hasFinished = false;
        }
        env.disk.crash(kind);
        const again = await openVolume(env, { directory, name: '7', mode: 'write' });
        for (const id of synced) expect((await again.readNeedle(BigInt(id))).data).toEqual(needle(id).data);
        // A needle that was never promised is there, whole, or not at all.
        for (const { needleId } of again.liveByOffset()) {
          expect((await again.readNeedle(needleId)).data).toEqual(needle(Number(needleId)).data);
        }
        expect((await again.append(needle(9))).isUnchanged).toBe(false);
        await again.sync();
        expect((await again.readNeedle(9n)).data).toEqual(needle(9).data);
        await again.close();
      }
    }
  });

  it.each(['.dat', '.idx'])(
    'of a process whose sync of the %s had failed: what is told of is on the disk',
    async (failing) => {
      for (let seed = 0; seed < 30; seed++) {
        const env = createSimulatedEnvironment({ seed });
        env.disk.plant(`${directory}/keep`, new Uint8Array(0));
        const volume = await createVolume(env, { directory, name: '7' });
        const data = new Uint8Array(900).fill(7);
        await volume.append({ needleId: 1n, cookie: 1, data });
        await volume.sync();
        await volume.append({ needleId: 2n, cookie: 2, data });
        await volume.append({ needleId: 3n, cookie: 3, data });
        // An empty needle is told from a deletion by its entry alone.
        await volume.append({ needleId: 4n, cookie: 4 });
        env.disk.inject(({ kind, path }) =>
          kind === 'sync-data' && path.endsWith(failing) ? 'disk-failed' : undefined,
        );
        await expect(volume.sync()).rejects.toMatchObject({ code: 'disk-failed' });
        env.disk.inject(undefined);
        env.disk.crash('process');
        const again = await openVolume(env, { directory, name: '7', mode: 'write' });
        const told = await liveIds(again);
        env.disk.crash('nothing');
        const last = await openVolume(env, { directory, name: '7', mode: 'write' });
        expect(await liveIds(last)).toEqual(told);
        expect(await collect(verifyFiles(env, { directory, name: '7' }))).toEqual([]);
        await last.close();
      }
    },
  );

  it('of a record leaves none, though zeros are no wrong CRC and no wrong deletion', async () => {
    const data = new Uint8Array(900).fill(7);
    for (const isDelete of [false, true]) {
      const env = createSimulatedEnvironment({ seed: 1 });
      env.disk.plant(`${directory}/keep`, new Uint8Array(0));
      const volume = await createVolume(env, { directory, name: '7' });
      await volume.append({ needleId: 1n, cookie: 1, data });
      await volume.sync();
      const { offset } = isDelete
        ? await volume.delete(1n, 1)
        : await volume.append({ needleId: 1n, cookie: 1, data: data.slice(1) });
      env.disk.crash('process');
      const dat = env.disk.peek(`${directory}/7.dat`).slice();
      env.disk.plant(`${directory}/7.dat`, dat.fill(0, offset + 16));
      const again = await openVolume(env, { directory, name: '7', mode: 'write' });
      expect(again.stats()).toMatchObject({ datSizeBytes: offset, liveNeedles: 1 });
      expect((await again.readNeedle(1n)).data).toEqual(data);
      await again.close();
    }
  });

  it.each([
    ['cookie and upper half of the id', {}],
    ['fields behind its data', { pairs: `{"${'k'.repeat(1500)}":"v"}` }],
  ])('of a record leaves none without its %s', async (_what, fields) => {
    const env = createSimulatedEnvironment({ seed: 1 });
    env.disk.plant(`${directory}/keep`, new Uint8Array(0));
    const volume = await createVolume(env, { directory, name: '7' });
    const first = { needleId: 1n, cookie: 1, data: new Uint8Array(900).fill(7) };
    await volume.append(first);
    // The next record begins 8 bytes before the end of a sector.
    const gapBytes = 2 * 512 + 504 - volume.stats().datSizeBytes;
    await volume.append({ needleId: 2n, cookie: 2, data: new Uint8Array(gapBytes - 33 - 8) });
    await volume.sync();
    const { offset } = await volume.append({ ...first, ...fields, data: Uint8Array.of(1, 2, 3) });
    expect(offset % 512).toBe(504);
    env.disk.crash('process');
    const dat = env.disk.peek(`${directory}/7.dat`).slice();
    const isHeader = Object.keys(fields).length === 0;
    const lostAt = isHeader ? offset : offset + 8 + 512;
    env.disk.plant(`${directory}/7.dat`, dat.fill(0, lostAt, isHeader ? offset + 8 : lostAt + 512));
    const again = await openVolume(env, { directory, name: '7', mode: 'write' });
    expect((await again.readNeedle(1n, 1)).data).toEqual(first.data);
    expect(again.stats().datSizeBytes).toBe(offset);
    await again.close();
  });

  it('of the index in the middle of its last write makes no deletion a live needle', async () => {
    const [entrySize, sizeAt, sector] = [17, 13, 512];
    let deletedAt = 1;
    while ((deletedAt * entrySize + sizeAt) % sector !== 0) deletedAt++;
    const env = createSimulatedEnvironment({ seed: 1 });
    env.disk.plant(`${directory}/keep`, new Uint8Array(0));
    const volume = await createVolume(env, { directory, name: '7' });
    const append = (id: number) =>
      volume.append({ needleId: BigInt(id), cookie: id, data: Uint8Array.of(1) });
    for (let id = 1; id <= deletedAt; id++) await append(id);
    await volume.delete(5n, 5);
    for (let id = 1001; id <= 1050; id++) await append(id);
    await volume.sync();
    const before = await liveIds(volume);
    env.disk.crash('process');
    const whole = env.disk.peek(`${directory}/7.idx`);
    const holeAt = deletedAt * entrySize + sizeAt;
    env.disk.plant(`${directory}/7.idx`, whole.slice().fill(0, holeAt, holeAt + sector));
    const again = await openVolume(env, { directory, name: '7', mode: 'write' });
    expect(again.find(5n)).toBeUndefined();
    expect(await liveIds(again)).toEqual(before);
    await again.close();
    expect(env.disk.peek(`${directory}/7.idx`)).toEqual(whole);
  });

  it('that brings a marker back finds the volume that was written meanwhile', async () => {
    const env = createSimulatedEnvironment({ seed: 1 });
    const { name } = plant(env, 'churn-o5');
    await compactVolume(env, { directory, name });
    const volume = await openVolume(env, { directory, name, mode: 'write' });
    await volume.append({ needleId: 99n, cookie: 99, data: Uint8Array.of(1) });
    await volume.sync();
    const idx = env.disk.peek(`${directory}/${name}.idx`).slice();
    env.disk.crash('process');
    env.disk.plant(`${directory}/${name}.cpc`, new Uint8Array(0));
    // An entry that was being written.
    env.disk.plant(`${directory}/${name}.idx`, Uint8Array.of(...idx, 0, 0, 0));
    const again = await openVolume(env, { directory, name, mode: 'write' });
    expect(again.find(99n)).toBeDefined();
    await again.close();
    expect(env.disk.files().filter((path) => path.endsWith('.cpc'))).toEqual([]);
    expect(env.disk.peek(`${directory}/${name}.idx`)).toEqual(idx);
  });

  it.each([4, 5] as const)(
    'of the index in the middle of an entry (offsets of %i bytes) makes it none of another needle, nor of another size',
    async (offsetWidthBytes) => {
      const entrySize = 12 + offsetWidthBytes;
      for (let at = 0; at < 4 * entrySize; at += 1) {
        const env = createSimulatedEnvironment({ seed: 1 });
        env.disk.plant(`${directory}/keep`, new Uint8Array(0));
        const volume = await createVolume(env, { directory, name: '7', offsetWidthBytes });
        const data = new Uint8Array(300).fill(3);
        await volume.append({ needleId: 0x1122334455667788n, cookie: 1, data });
        await volume.sync();
        const firstId = await liveIds(volume);
        await volume.append({ needleId: 0x99aabbccddeeff00n, cookie: 2, data });
        await volume.append({ needleId: 3n, cookie: 3 });
        await volume.append({ needleId: 0x77665544332211n, cookie: 4, data: data.slice(1) });
        await volume.delete(0x77665544332211n, 4);
        await volume.sync();
        const after = await liveIds(volume);
        env.disk.crash('process');
        const idx = env.disk.peek(`${directory}/7.idx`).slice();
        const holeAt = entrySize + at - ((entrySize + at) % 8);
        env.disk.plant(`${directory}/7.idx`, idx.fill(0, Math.max(entrySize, holeAt), holeAt + 8));
        const again = await openVolume(env, { directory, name: '7', mode: 'write' });
        const found = await liveIds(again);
        // The live empty needle is one by its entry alone.
        const unsure = after.filter((id) => !id.startsWith('3:'));
        expect([after, unsure], `a hole at ${holeAt}`).toContainEqual(found);
        expect(found).toEqual(expect.arrayContaining(firstId));
        await again.close();
        expect(await collect(verifyFiles(env, { directory, name: '7' }))).toEqual([]);
      }
    },
  );

  it('of a recovery tears none of the entries that it makes', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const env = createSimulatedEnvironment({ seed, tearBytes: 8 });
      env.disk.plant(`${directory}/keep`, new Uint8Array(0));
      const volume = await createVolume(env, { directory, name: '7' });
      for (let id = 1; id <= 8; id++)
        await volume.append({ needleId: BigInt(id), cookie: id, data: new Uint8Array(100).fill(id) });
      await volume.close();
      const idx = env.disk.peek(`${directory}/7.idx`);
      env.disk.plant(`${directory}/7.idx`, idx.subarray(0, 4 * 17 + 12));
      env.disk.inject(({ kind, path }) => {
        if (kind !== 'sync-data' || !path.endsWith('.idx') || env.disk.peek(path).length < idx.length)
          return undefined;
        env.disk.crashAfter(0);
        return 'disk-failed';
      });
      await expect(openVolume(env, { directory, name: '7', mode: 'write' })).rejects.toThrow();
      env.disk.inject(undefined);
      env.disk.crash('power');
      await (await openVolume(env, { directory, name: '7', mode: 'write' })).close();
      expect(env.disk.peek(`${directory}/7.idx`), `seed ${seed}`).toEqual(idx);
    }
  });
});
