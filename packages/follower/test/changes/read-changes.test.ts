import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createSeededRandom,
  createSimulatedDisk,
  liveOut,
  randomLife,
  type StockVolume,
} from '@holdfast/testkit';
import { describe, expect, it, test } from 'vitest';
import { readChanges } from '../../src/index.js';
import { createSyncKit, type SyncKit, VOLUME_ID } from '../sync-kit.js';
import { apply, changesSince, liveOn } from './changes-kit.js';

const FIXTURES = join(import.meta.dirname, '../../../testkit/fixtures');

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (changes: readonly { readonly text: string }[]) => changes.map(({ text }) => text);

async function followed(
  ...needles: string[]
): Promise<{ kit: SyncKit; volume: StockVolume; cursor: string }> {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
  const volume = kit.server.allocate(VOLUME_ID);
  for (const [i, text] of needles.entries()) volume.put(BigInt(i + 1), bytes(text));
  await kit.syncAndCompare('at first');
  const first = await changesSince(kit);
  expect(texts(first)).toEqual(needles.map((text, i) => `+${i + 1} ${text}`));
  return { kit, volume, cursor: first.at(-1)!.cursor };
}

describe('within a generation every record is a change, in its order', () => {
  it('puts, overwrites, deletes and empty needles', async () => {
    const { kit, volume, cursor } = await followed('one', 'two', 'three');
    volume.put(2n, bytes('two again'));
    volume.delete(1n);
    volume.put(9n, new Uint8Array(0));
    volume.put(1n, bytes('one is back'));
    await kit.syncAndCompare('appended');
    const changes = await changesSince(kit, cursor);
    expect(texts(changes)).toEqual(['+2 two again', '-1', '+9 ', '+1 one is back']);
    expect(await changesSince(kit, changes.at(-1)!.cursor)).toEqual([]);
  });

  it('says the fields of a needle, and the cookie of what is deleted', async () => {
    const { kit, volume, cursor } = await followed('one');
    volume.put(7n, bytes('seven'), { cookie: 0xc0ffee, name: 'seven.txt', mime: 'text/plain' });
    volume.delete(7n, { cookie: 0xc0ffee });
    await kit.syncAndCompare('appended');
    const { env, directory, volume: name } = kit;
    const seen: object[] = [];
    for await (const change of readChanges(env, {
      directory,
      volume: name,
      since: cursor,
      signal: new AbortController().signal,
    })) {
      if (change.kind !== 'put') seen.push(change);
      else {
        const { needle } = change;
        const text = (field: Uint8Array | undefined) => new TextDecoder().decode(field);
        seen.push({ cookie: needle.cookie, name: text(needle.name), mime: text(needle.mime) });
      }
    }
    expect(seen).toMatchObject([
      { cookie: 0xc0ffee, name: 'seven.txt', mime: 'text/plain' },
      { kind: 'delete', needleId: 7n, cookie: 0xc0ffee },
    ]);
  });
});

describe('across a compaction of the leader the net changes are told, and nothing else', () => {
  it('a vacuum that dropped what was told already is no change', async () => {
    const { kit, volume } = await followed('one', 'two', 'three');
    volume.delete(2n);
    volume.put(3n, bytes('three again'));
    await kit.syncAndCompare('appended');
    const all = await changesSince(kit);
    volume.vacuum();
    expect(await kit.syncAndCompare('vacuumed')).toMatchObject({ outcome: 'rebased' });
    expect(await changesSince(kit, all.at(-1)!.cursor)).toEqual([]);
  });

  it('what the vacuum took the records of is told all the same', async () => {
    const { kit, volume, cursor } = await followed('one', 'two', 'three');
    volume.delete(2n);
    volume.put(3n, bytes('3'));
    volume.put(4n, bytes('never seen'));
    volume.delete(4n);
    // As long as before: only its stamp and CRC say that it is another.
    volume.put(1n, bytes('ONE'));
    volume.vacuum();
    volume.put(5n, bytes('five'));
    await kit.syncAndCompare('vacuumed');
    const changes = await changesSince(kit, cursor);
    expect(texts(changes)).toEqual(['+1 ONE', '-2', '+3 3', '+5 five']);
    expect(await changesSince(kit, changes.at(-1)!.cursor)).toEqual([]);
  });

  it('another server, whose copy has stamps of its own, brings what is different there', async () => {
    const { kit, cursor } = await followed('one', 'two', 'three');
    kit.server.deleteVolume(VOLUME_ID);
    const replica = kit.server.allocate(VOLUME_ID);
    for (const [id, text] of [
      [3n, 'three'],
      [1n, 'one'],
      [2n, 'TWO'],
    ] as const)
      replica.put(id, bytes(text));
    expect(await kit.sync({}, 'replica')).toMatchObject({ ok: true, outcome: 'rebased' });
    expect(texts(await changesSince(kit, cursor))).toEqual(['+2 TWO']);
  });

  it('goes through every generation that is kept', async () => {
    const { kit, volume, cursor } = await followed('one');
    for (const text of ['first', 'second', 'third']) {
      volume.put(2n, bytes(text));
      volume.vacuum();
      await kit.syncAndCompare(text);
    }
    expect(texts(await changesSince(kit, cursor))).toEqual(['+2 first', '+2 second', '+2 third']);
  });

  it('can be left and taken up again at each change', async () => {
    const { kit, volume, cursor } = await followed('one', 'two', 'three', 'four');
    volume.delete(1n);
    volume.put(3n, bytes('3'));
    volume.put(5n, bytes('five'));
    volume.vacuum();
    await kit.syncAndCompare('vacuumed');
    volume.put(6n, bytes('six'));
    volume.delete(5n);
    await kit.syncAndCompare('appended');
    const whole = await changesSince(kit, cursor);
    expect(texts(whole)).toEqual(['-1', '+3 3', '+5 five', '+6 six', '-5']);
    for (const [i, { cursor: at }] of whole.entries())
      expect(await changesSince(kit, at)).toEqual(whole.slice(i + 1));
  });
});

describe('cursors', () => {
  it('one whose generation is not kept any more is refused', async () => {
    const { kit, volume, cursor } = await followed('one');
    volume.vacuum();
    await kit.syncAndCompare('vacuumed');
    const home = await kit.openHome();
    await home.prune({ keepForMs: 0, keepGenerations: 0 }, Date.now());
    await home.close();
    await expect(changesSince(kit, cursor)).rejects.toMatchObject({ code: 'not-covered' });
  });

  it('one of another volume that took the place of the first is refused', async () => {
    const { cursor } = await followed('one', 'two');
    const other = await followed('1', '2');
    await expect(changesSince(other.kit, cursor)).rejects.toMatchObject({ code: 'not-covered' });
  });

  it('one that is further than anything is refused', async () => {
    const { kit } = await followed('one');
    for (const cursor of [
      '1.0.170.00000000',
      '1.0.999999999999999.00000000',
      '1.5.17.00000000',
      '9.0.17.00000000',
    ])
      await expect(changesSince(kit, cursor), cursor).rejects.toMatchObject({ code: 'not-covered' });
  });

  it('of an equal index it does not matter who followed it', async () => {
    const { kit, volume } = await followed('one', 'two');
    const cursor = (await changesSince(kit, undefined, 1)).at(-1)!.cursor;
    volume.put(3n, bytes('three'));
    await kit.syncAndCompare('appended');
    expect(texts(await changesSince(kit, cursor))).toEqual(['+2 two', '+3 three']);
  });

  it.each([
    '',
    'x',
    '1.0.17',
    '1.0.17.0000000g',
    '1.0.17.00000000>',
    '>1.0.17.00000000',
    '1.0.17.00000000>@5',
    'a>b>c',
  ])('what is none is a TypeError: %j', async (text) => {
    const { kit } = await followed('one');
    await expect(changesSince(kit, text)).rejects.toThrow(TypeError);
  });
});

it('an index that was made anew on the leader brings no change', async () => {
  const { kit, volume, cursor } = await followed('one', 'two', 'three');
  const entrySize = volume.idx.length / 3;
  const rows = [2, 0, 1].map((i) => volume.idx.subarray(i * entrySize, (i + 1) * entrySize));
  volume.load(volume.dat, Buffer.concat(rows));
  await kit.syncAndCompare('reordered');
  volume.put(4n, bytes('four'));
  await kit.syncAndCompare('appended');
  const changes = await changesSince(kit, cursor);
  expect(texts(changes)).toEqual(['+4 four']);
  // Of the same generation, and of the index that was adopted.
  expect(changes[0]!.cursor).toMatch(/^1\.1\./);
});

it('a record that the leader has only damaged is told as damaged, and the others all the same', async () => {
  const { kit, volume, cursor } = await followed('one');
  volume.put(2n, bytes('rotten on the leader'));
  volume.put(3n, bytes('three'));
  const dat = volume.dat;
  dat[volume.liveNeedles().find(({ needleId }) => needleId === 2n)!.offset + 24]! ^= 1;
  volume.load(dat, volume.idx);
  expect(await kit.sync()).toMatchObject({ code: 'leader-damaged' });
  expect(texts(await changesSince(kit, cursor))).toEqual(['!2', '+3 three']);
});

it('waits for more where it is asked to, also for the first copy, and ends with its signal', async () => {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
  const volume = kit.server.allocate(VOLUME_ID);
  const ended = new AbortController();
  const steps = ['one', 'two', 'three'];
  const { env, directory, volume: name } = kit;
  const seen: bigint[] = [];
  const changes = readChanges(env, {
    directory,
    volume: name,
    signal: ended.signal,
    async waitForMore() {
      const text = steps.shift();
      if (text === undefined) ended.abort();
      else volume.put(BigInt(3 - steps.length), bytes(text));
      await kit.sync();
    },
  });
  await expect(
    (async () => {
      for await (const { needleId } of changes) seen.push(needleId);
    })(),
  ).rejects.toThrow('aborted');
  expect(seen).toEqual([1n, 2n, 3n]);
});

describe('any life: what is told makes of one state of the leader the next, however often it is interrupted', () => {
  for (let seed = 1; seed <= 8; seed++) {
    test(`seed ${seed}`, async () => {
      const kit = await createSyncKit({
        disk: createSimulatedDisk({ seed }),
        policy: { firstStepBytes: 2048, greatestStepBytes: 2048 },
        release: seed % 2 === 0 ? '4.44' : '4.48',
      });
      const random = createSeededRandom(seed);
      const live = new Map<bigint, string>();
      let cursor: string | undefined;
      let syncs = 0;
      for (const operation of randomLife(random, { syncs: 20, maxDataBytes: 2000 })) {
        await liveOut(kit.server, VOLUME_ID, operation);
        if (operation.kind !== 'sync' || !kit.server.volumes.has(VOLUME_ID)) continue;
        await kit.syncAndCompare(`sync ${++syncs}`);
        // A reader that lags is told of several syncs at once.
        if (random.nextFloat() < 0.3) continue;
        const whole = await changesSince(kit, cursor);
        const first = await changesSince(kit, cursor, 1 + Math.floor(random.nextFloat() * 5));
        const rest = first.length === 0 ? [] : await changesSince(kit, first.at(-1)!.cursor);
        expect([...first, ...rest]).toEqual(whole);
        expect(apply(live, whole), `sync ${syncs}`).toEqual(liveOn(kit));
        cursor = whole.at(-1)?.cursor ?? cursor;
        expect(await changesSince(kit, cursor), `sync ${syncs}, again`).toEqual([]);
      }
    });
  }
});

describe('the recorded lives of real leaders: each step is the one before and what is told', () => {
  for (const name of readdirSync(FIXTURES).filter((folder) => folder.startsWith('evolution-'))) {
    test(name, async () => {
      const disk = createSimulatedDisk({ seed: 1 });
      const kit = await createSyncKit({ disk, release: name.endsWith('-o4') ? '4.44' : '4.48' });
      const live = new Map<bigint, string>();
      let cursor: string | undefined;
      const steps = readdirSync(join(FIXTURES, name), { withFileTypes: true }).filter((e) => e.isDirectory());
      for (const step of steps) {
        const folder = join(FIXTURES, name, step.name);
        const [dat, idx] = ['dat', 'idx'].map((ext) => readFileSync(join(folder, `leader.${ext}`)));
        const volume = kit.server.volumes.get(VOLUME_ID);
        if (volume === undefined) kit.server.adopt(VOLUME_ID, dat!, idx!);
        else volume.load(dat!, idx!);
        await kit.syncAndCompare(step.name);
        const changes = await changesSince(kit, cursor);
        expect(apply(live, changes), step.name).toEqual(liveOn(kit));
        cursor = changes.at(-1)?.cursor ?? cursor;
      }
    });
  }
});
