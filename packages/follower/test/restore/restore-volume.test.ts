import { createHash } from 'node:crypto';
import { idxEntrySizeBytes } from '@holdfast/format';
import {
  createSimulatedDisk,
  type SimulatedDisk,
  type StockVolume,
  type VirtualTime,
} from '@holdfast/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { planRestore, restoreVolume } from '../../src/index.js';
import { type SyncKit, VOLUME_ID } from '../sync-kit.js';
import { createTimedKit, OUT } from '../timed-kit.js';

const DAT = `${VOLUME_ID}.dat`;
const { signal } = new AbortController();

let time: VirtualTime;
let disk: SimulatedDisk;
let kit: SyncKit;
let volume: StockVolume;

beforeEach(async () => {
  ({ time, disk, kit, volume } = await createTimedKit(createSimulatedDisk({ seed: 5 })));
});

async function put(needleId: bigint, lengthBytes = 100): Promise<void> {
  await time.advance(1000);
  volume.put(needleId, new Uint8Array(lengthBytes).fill(Number(needleId)));
}

/** Syncs a second later; gives the instant. */
async function sync(): Promise<bigint> {
  await time.advance(1000);
  await kit.sync();
  return time.clock.nowNs();
}

const restore = (asOfNs?: bigint) =>
  restoreVolume(kit.env, { ...kit, out: OUT, asOfNs, minFreeBytes: 0, signal });

const same = (name: string, bytes: Uint8Array) => Buffer.compare(disk.peek(`${OUT}/${name}`), bytes) === 0;

it('gives the files, their digests, and a manifest that says the same', async () => {
  await put(1n);
  const first = await sync();
  const { dat, idx } = volume;
  await put(2n);
  await sync();
  const restored = await restore(first);
  expect(same(DAT, dat) && same(`${VOLUME_ID}.idx`, idx)).toBe(true);
  expect(restored).toMatchObject({
    id: VOLUME_ID,
    generation: 1,
    revision: 0,
    isBetweenCommits: false,
    instant: '2023-11-14T22:13:22Z',
    committedAt: '2023-11-14T22:13:22Z',
    datSizeBytes: dat.length,
    idxSizeBytes: idx.length,
    liveNeedles: 1,
    damaged: [],
  });
  for (const { name, sizeBytes, sha256 } of restored.files) {
    const bytes = disk.peek(`${OUT}/${name}`);
    expect(bytes.length, name).toBe(sizeBytes);
    expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(sha256);
  }
  const manifest = JSON.parse(Buffer.from(disk.peek(`${OUT}/${VOLUME_ID}.restored.json`)).toString());
  expect(manifest).toEqual(restored);
  expect(disk.files().filter((path) => path.includes('restoring'))).toEqual([]);
});

it('a plan tells the state and the bytes, and writes nothing', async () => {
  await put(1n, 5000);
  const atNs = await sync();
  disk.forget();
  const plan = await planRestore(kit.env, { ...kit, asOfNs: atNs }, signal);
  expect(plan).toMatchObject({ generation: 1, datSizeBytes: volume.tailBytes });
  expect(plan.neededBytes).toBeGreaterThan(volume.tailBytes);
  expect(disk.operations).toEqual([]);
});

it('refuses an instant that no commit covers, and says what is covered', async () => {
  const beforeNs = time.clock.nowNs();
  await put(1n);
  const atNs = await sync();
  await expect(restore(beforeNs)).rejects.toMatchObject({
    code: 'not-covered',
    covered: [{ generation: 1, fromMs: Number(atNs / 1_000_000n), untilMs: null }],
    message: expect.stringContaining('covered is 2023-11-14T22:13:22Z until now'),
  });
  kit.server.deleteVolume(VOLUME_ID);
  await expect(
    planRestore(kit.env, { ...kit, volume: { volumeId: 99, collection: '' }, asOfNs: undefined }, signal),
  ).rejects.toMatchObject({ code: 'not-covered', covered: [] });
});

it.each([DAT, `${VOLUME_ID}.idx`, `${VOLUME_ID}.vif`, `${VOLUME_ID}.restored.json`])(
  'replaces nothing: %s is there already',
  async (name) => {
    await put(1n);
    await sync();
    disk.plant(`${OUT}/${name}`, Buffer.from('mine'));
    const before = disk.files();
    await expect(restore()).rejects.toMatchObject({ code: 'exists', path: `${OUT}/${name}` });
    expect(disk.files()).toEqual(before);
    expect(same(name, Buffer.from('mine'))).toBe(true);
  },
);

it('a state whose index was replaced later has the index that it had', async () => {
  for (let id = 1n; id <= 5n; id++) await put(id);
  const first = await sync();
  const { dat, idx } = volume;
  const entrySize = idxEntrySizeBytes(5);
  // The same records; the entry of the second one goes.
  volume.load(dat, Buffer.concat([idx.subarray(0, entrySize), idx.subarray(2 * entrySize)]));
  const second = await sync();
  await put(6n);
  await sync();
  expect(await restore(first)).toMatchObject({ liveNeedles: 5, indexSerial: 0 });
  expect(same(`${VOLUME_ID}.idx`, idx)).toBe(true);
  for (const name of disk.files().filter((path) => path.startsWith(`${OUT}/${VOLUME_ID}.`)))
    await disk.remove(name);
  expect(await restore(second)).toMatchObject({ liveNeedles: 4, indexSerial: 1 });
});

describe('damage', () => {
  it('in what is kept here: no restore of a state that has it, but one of a state before', async () => {
    await put(1n, 70_000);
    const first = await sync();
    await put(2n, 200_000);
    await sync();
    const path = `${kit.directory}/${DAT}`;
    const rotten = disk.peek(path);
    rotten[200_000]! ^= 1;
    disk.plant(path, rotten);
    const block = 3 * 65_536;
    await expect(restore()).rejects.toMatchObject({ code: 'corrupt', offset: block });
    expect(disk.files().filter((name) => name.startsWith(OUT))).toEqual([`${OUT}/.keep`]);
    expect(await restore(first)).toMatchObject({ liveNeedles: 1 });
  });

  it('in a former index: likewise', async () => {
    for (let id = 1n; id <= 5n; id++) await put(id);
    const first = await sync();
    volume.load(volume.dat, volume.idx.subarray(idxEntrySizeBytes(5)));
    await sync();
    const path = disk.files().find((name) => name.endsWith('.idx.0'))!;
    const rotten = disk.peek(path);
    rotten[40]! ^= 1;
    disk.plant(path, rotten);
    await expect(restore(first)).rejects.toMatchObject({ code: 'corrupt', offset: 0 });
  });

  it("of the leader's own: restored as it was, and named", async () => {
    for (let id = 1n; id <= 5n; id++) await put(id);
    const bad = volume.liveNeedles().find(({ needleId }) => needleId === 3n)!;
    const rotten = volume.dat;
    rotten[bad.offset + 30]! ^= 0x40;
    volume.load(rotten, volume.idx);
    await sync();
    expect(await restore()).toMatchObject({
      liveNeedles: 5,
      damaged: [{ needleId: 3n, offset: bad.offset }],
    });
    expect(same(DAT, rotten)).toBe(true);
  });

  it('of the disk that is written to: no success', async () => {
    await put(1n, 5000);
    await sync();
    const { env } = kit;
    const lying = {
      ...env,
      disk: {
        ...disk,
        async open(...args: Parameters<typeof disk.open>) {
          const file = await disk.open(...args);
          if (!args[0].startsWith(OUT)) return file;
          const writeAt = (offset: number, bytes: Uint8Array) =>
            file.writeAt(offset, bytes.length > 4000 ? bytes.with(3000, 0xee) : bytes);
          return { ...file, writeAt };
        },
      },
    };
    await expect(
      restoreVolume(lying, { ...kit, out: OUT, asOfNs: undefined, minFreeBytes: 0, signal }),
    ).rejects.toMatchObject({ code: 'disk-failed' });
    expect(disk.files().filter((name) => name.startsWith(OUT))).toEqual([`${OUT}/.keep`]);
  });
});
