import { createSimulatedDisk, type StockVolume, type VirtualTime } from '@holdfast/testkit';
import { beforeEach, expect, it } from 'vitest';
import { findNeedle } from '../../src/index.js';
import { type SyncKit, VOLUME_ID } from '../sync-kit.js';
import { createTimedKit } from '../timed-kit.js';

const { signal } = new AbortController();

let time: VirtualTime;
let kit: SyncKit;
let volume: StockVolume;

beforeEach(async () => {
  ({ time, kit, volume } = await createTimedKit(createSimulatedDisk({ seed: 6 })));
  for (let id = 1n; id <= 5n; id++) volume.put(id, text(`first ${id}`), { name: `file-${id}.txt` });
});

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function sync(): Promise<bigint> {
  await time.advance(1000);
  expect(await kit.sync()).toMatchObject({ ok: true });
  const atNs = time.clock.nowNs();
  await time.advance(1000);
  return atNs;
}

async function find(needleId: bigint, asOfNs?: bigint, cookie = Number(needleId)) {
  const { needle, ...rest } = await findNeedle(kit.env, { ...kit, needleId, cookie, asOfNs, signal });
  const show = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  return { ...rest, content: show(needle.data), name: show(needle.name) };
}

it('a live needle, with its name', async () => {
  await sync();
  const content = { content: 'first 2', name: 'file-2.txt' };
  expect(await find(2n)).toEqual({ ...content, generation: 1, revision: 0, isLive: true });
});

it('one that was deleted since, from before the deletion; at an instant only if it was there', async () => {
  const before = await sync();
  volume.delete(2n);
  const after = await sync();
  expect(await find(2n)).toMatchObject({ content: 'first 2', generation: 1, isLive: false });
  expect(await find(2n, before)).toMatchObject({ content: 'first 2', isLive: true });
  await expect(find(2n, after)).rejects.toMatchObject({ code: 'needle-not-found' });
});

it('one that a vacuum has taken away, from the former generation', async () => {
  const before = await sync();
  volume.delete(2n);
  volume.vacuum();
  await sync();
  expect(await find(2n)).toMatchObject({ content: 'first 2', generation: 1, isLive: false });
  expect(await find(3n)).toMatchObject({ content: 'first 3', generation: 2, isLive: true });
  expect(await find(3n, before)).toMatchObject({ content: 'first 3', generation: 1 });
});

it('one that was overwritten: the newest content, or the one at an instant', async () => {
  const before = await sync();
  volume.put(2n, text('second'));
  volume.vacuum();
  await sync();
  expect(await find(2n)).toMatchObject({ content: 'second', generation: 2 });
  expect(await find(2n, before)).toMatchObject({ content: 'first 2', generation: 1 });
});

it('an empty one', async () => {
  volume.put(9n, new Uint8Array(0));
  await sync();
  expect(await find(9n)).toMatchObject({ content: '', isLive: true });
});

it('refuses what was never there, and another cookie', async () => {
  await sync();
  await expect(find(77n)).rejects.toMatchObject({ code: 'needle-not-found' });
  await expect(find(2n, undefined, 0xbad)).rejects.toMatchObject({ code: 'cookie-mismatch' });
});

it('of a damaged record an older sound one, or the damage', async () => {
  await sync();
  volume.put(2n, text('second'));
  await sync();
  const { disk } = kit.env as typeof kit.env & { disk: ReturnType<typeof createSimulatedDisk> };
  const path = `${kit.directory}/${VOLUME_ID}.dat`;
  const rot = (needleId: bigint) => {
    const rotten = disk.peek(path);
    const { offset } = volume.liveNeedles().find((live) => live.needleId === needleId)!;
    rotten[offset + 21]! ^= 1;
    disk.plant(path, rotten);
  };
  rot(2n);
  expect(await find(2n)).toMatchObject({ content: 'first 2', isLive: false });
  rot(3n);
  await expect(find(3n)).rejects.toMatchObject({ code: 'corrupt' });
});
