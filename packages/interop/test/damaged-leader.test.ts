import { open, truncate } from 'node:fs/promises';
import { parseIdxEntry } from '@holdfast/format';
import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const IDX_ENTRY_BYTES = 17;
const NEEDLES = 10;
const random = createSeededRandom(41);

let cluster: WeedCluster;
let server: WeedVolumeServer;
let follower: WeedFollower;
let nextVolumeId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  follower = await createWeedFollower(server);
});

afterEach(() => server.assertStaysAlive());

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

async function putAll(volumeId: number, from: number, to: number): Promise<void> {
  for (let id = from; id <= to; id++) {
    const response = await server.put(volumeId, BigInt(id), random.bytes(500 + 13 * id));
    expect(response.status).toBe(201);
  }
}

/** Puts needles from `id` on until one has all the padding that a record can have; its id. */
async function putPadded(volumeId: number, id: number): Promise<number> {
  await server.put(volumeId, BigInt(id), random.bytes(500 + id));
  const offset = await offsetOf(volumeId, id);
  const dat = await server.readFile(volumeId, '.dat');
  const sizeBytes = new DataView(dat.buffer, dat.byteOffset + offset).getUint32(12);
  return (16 + sizeBytes + 12) % 8 === 0 ? id : await putPadded(volumeId, id + 1);
}

async function newVolume(): Promise<number> {
  const volumeId = nextVolumeId++;
  await server.allocate(volumeId);
  return volumeId;
}

const path = (volumeId: number, ext: '.dat' | '.idx'): string => `${server.dataDirectory}/${volumeId}${ext}`;

/** What the disk does to the files while the server is down. */
async function whileStopped(harm: () => Promise<void>): Promise<void> {
  await server.stop();
  await harm();
  await server.start();
}

/** The offset of the last record that the leader's index has of a needle. */
async function offsetOf(volumeId: number, needleId: number): Promise<number> {
  const idx = await server.readFile(volumeId, '.idx');
  let found = -1;
  for (let at = 0; at < idx.length; at += IDX_ENTRY_BYTES) {
    const entry = parseIdxEntry(idx, at, 5);
    if (entry.needleId === BigInt(needleId)) found = entry.offset;
  }
  return found;
}

/** Flips one bit in the middle of a record's data. */
async function rot(volumeId: number, needleId: number): Promise<number> {
  const offset = await offsetOf(volumeId, needleId);
  const file = await open(path(volumeId, '.dat'), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset + 100);
  byte[0]! ^= 0x10;
  await file.write(byte, 0, 1, offset + 100);
  await file.close();
  return offset;
}

const cutDat = async (volumeId: number, lengthBytes: number): Promise<void> => {
  const { length } = await server.readFile(volumeId, '.dat');
  await truncate(path(volumeId, '.dat'), length - lengthBytes);
};

async function expectEqual(volumeId: number): Promise<void> {
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, leaderTailBytes: 0 });
  expect(await follower.differences(volumeId)).toEqual([]);
  expect(await follower.sync(volumeId)).toMatchObject({ ok: true, outcome: 'idle' });
}

describe('a torn tail', () => {
  for (const heldNeedles of [0, 4, NEEDLES])
    it(`where ${heldNeedles} of ${NEEDLES} needles are held: success up to the last whole record`, async () => {
      const volumeId = await newVolume();
      await putAll(volumeId, 1, heldNeedles);
      if (heldNeedles > 0) await follower.sync(volumeId);
      await putAll(volumeId, heldNeedles + 1, NEEDLES);
      const boundary = await offsetOf(volumeId, NEEDLES);
      await whileStopped(() => cutDat(volumeId, 200));
      const torn = await server.readFile(volumeId, '.dat');
      const expected = {
        ok: true,
        datSize: boundary,
        leaderTailBytes: Math.ceil(torn.length / 8) * 8 - boundary,
      };
      expect(await follower.sync(volumeId)).toMatchObject(expected);
      expect(await follower.sync(volumeId)).toMatchObject({ ...expected, outcome: 'idle' });
      expect((await follower.readFile(volumeId, '.dat')).equals(torn.subarray(0, boundary))).toBe(true);

      await whileStopped(async () => {
        await truncate(path(volumeId, '.dat'), boundary);
        const { length } = await server.readFile(volumeId, '.idx');
        await truncate(path(volumeId, '.idx'), length - IDX_ENTRY_BYTES);
      });
      await expectEqual(volumeId);
      await putAll(volumeId, NEEDLES, NEEDLES + 2);
      await expectEqual(volumeId);
    });

  for (const missingBytes of [1, 7])
    it(`of ${missingBytes} bytes of padding, which the next append heals`, async () => {
      const volumeId = await newVolume();
      const last = await putPadded(volumeId, 1);
      const boundary = await offsetOf(volumeId, last);
      await whileStopped(() => cutDat(volumeId, missingBytes));
      const report = await follower.sync(volumeId);
      expect(report).toMatchObject({ ok: true, datSize: boundary });
      expect(report.leaderTailBytes).toBeGreaterThan(500);
      expect(await follower.sync(volumeId)).toMatchObject({ ok: true, outcome: 'idle' });
      await putAll(volumeId, 20, 21);
      await expectEqual(volumeId);
    });
});

describe('a rotten needle in the middle', () => {
  it('that comes with an append: kept as it is, named, and everything else is current', async () => {
    const volumeId = await newVolume();
    await putAll(volumeId, 1, 3);
    await follower.sync(volumeId);
    await putAll(volumeId, 4, NEEDLES);
    let offset = 0;
    await whileStopped(async () => {
      offset = await rot(volumeId, 6);
    });
    const damaged = { ok: false, code: 'leader-damaged' };
    const report = await follower.sync(volumeId);
    expect(report).toMatchObject({ ...damaged, outcome: 'appended' });
    expect(report.error).toContain(`needle 6 at offset ${offset}`);
    expect(await follower.differences(volumeId)).toEqual([]);
    expect(await follower.sync(volumeId)).toMatchObject({ ...damaged, outcome: 'idle' });

    await putAll(volumeId, 20, 21);
    expect(await follower.sync(volumeId)).toMatchObject({ ...damaged, outcome: 'appended' });
    expect(await follower.differences(volumeId)).toEqual([]);

    await putAll(volumeId, 6, 6);
    await expectEqual(volumeId);
  });

  it('that comes with a vacuum: the generation that has a good copy is held until released', async () => {
    const volumeId = await newVolume();
    await putAll(volumeId, 1, NEEDLES);
    await server.delete(volumeId, 9n);
    const careless = await createWeedFollower(server, {
      directory: follower.directory,
      policy: { keepForMs: 0, keepGenerations: 0 },
    });
    expect(await careless.sync(volumeId)).toMatchObject({ ok: true, outcome: 'copied' });
    await server.vacuum(volumeId);
    let offset = 0;
    await whileStopped(async () => {
      offset = await rot(volumeId, 5);
    });
    const damaged = { ok: false, code: 'leader-damaged' };
    const report = await careless.sync(volumeId);
    expect(report).toMatchObject({ ...damaged, outcome: 'rebased', revision: 1 });
    expect(report.error).toContain(`needle 5 at offset ${offset}`);
    expect(await careless.differences(volumeId)).toEqual([]);
    expect(await careless.sync(volumeId)).toMatchObject({ ...damaged, outcome: 'idle' });
    expect(await careless.former(volumeId)).toMatchObject([
      { heldFor: 'leader-damaged', position: { revision: 0 } },
    ]);

    // The next vacuum drops the needle without a word; the good copy outlives it.
    await server.vacuum(volumeId);
    expect(await careless.sync(volumeId)).toMatchObject({ ok: true, revision: 2, liveNeedles: NEEDLES - 2 });
    expect(await careless.differences(volumeId)).toEqual([]);
    expect(await careless.former(volumeId)).toMatchObject([
      { heldFor: 'leader-damaged', position: { revision: 0 } },
    ]);
    await careless.release(volumeId);
    await careless.sync(volumeId);
    expect(await careless.former(volumeId)).toEqual([]);
  });
});
