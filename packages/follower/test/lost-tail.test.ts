import { NeedleFramer, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { openGenerationReader } from '@holdfast/store';
import { createSimulatedDisk, type StockVolume } from '@holdfast/testkit';
import { expect, it } from 'vitest';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

/** Where the records of a leader end. */
function boundariesOf({ dat }: StockVolume): ReadonlySet<number> {
  const framer = new NeedleFramer({ version: 3, startOffset: SUPER_BLOCK_SIZE_BYTES, collect: 'headers' });
  const records = framer.push(dat.slice(SUPER_BLOCK_SIZE_BYTES));
  return new Set(records.map(({ offset, lengthBytes }) => offset + lengthBytes));
}

/** Every state that the copy was ever in. */
async function committedOffsets({ env, directory, volume }: SyncKit): Promise<readonly number[]> {
  const reader = await openGenerationReader(env, { directory, volume });
  const offsets: number[] = [];
  for await (const { datSizeBytes } of reader.history()) offsets.push(datSizeBytes);
  await reader.close();
  return offsets;
}

/** What a leader that has lost two records, of 160 bytes each, writes in their place: its last record has the tail inside. */
const GROWTHS: readonly (readonly [what: string, grow: (volume: StockVolume, cutBytes: number) => void])[] = [
  [
    'a record',
    (volume, cutBytes) => {
      volume.put(31n, new Uint8Array(320 - 32 - 9 + cutBytes).fill(5));
    },
  ],
  [
    'a deletion',
    (volume, cutBytes) => {
      volume.put(31n, new Uint8Array(320 - 32 - 32 - 9 + cutBytes).fill(5));
      volume.delete(2n);
    },
  ],
];
const HISTORIES = [
  ['an append', () => {}],
  ['a rebase', (volume: StockVolume) => volume.vacuum()],
  ['a first copy', undefined],
] as const;
const CUTS_BYTES = [8, 16, 24];

const CASES = GROWTHS.flatMap(([what, grow]) =>
  HISTORIES.flatMap(([into, change]) =>
    CUTS_BYTES.map((cutBytes) => ({ what, grow, into, change, cutBytes })),
  ),
);

it.each(CASES)(
  'a tail that is lost behind the status, and grown over by $what that ends $cutBytes bytes behind it, does not end $into',
  async ({ grow, change, cutBytes }) => {
    const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(500).fill(id));
    if (change !== undefined) {
      await kit.syncAndCompare('at first');
      change(volume);
    }
    const before = { dat: volume.dat, idx: volume.idx };
    for (const id of [21n, 22n]) volume.put(id, new Uint8Array(119).fill(1));
    const tail = volume.tailBytes;
    expect(tail - before.dat.length).toBe(320);
    let isLost = false;
    kit.server.hooks = {
      beforeCall({ method }) {
        if (isLost || method !== 'readNeedleBlob') return;
        isLost = true;
        volume.load(before.dat, before.idx);
        grow(volume, cutBytes);
        expect(volume.tailBytes).toBe(tail + cutBytes);
        volume.put(32n, new Uint8Array(300).fill(6));
      },
    };
    const report = await kit.sync();
    expect(report).toMatchObject({ ok: true, error: null });
    expect(isLost).toBe(true);
    const boundaries = boundariesOf(volume);
    for (const offset of await committedOffsets(kit)) expect([...boundaries]).toContain(offset);
    await kit.syncAndCompare('afterwards');
  },
);

it('a tail that is lost inside a record, with an index that knows of one behind it, is followed to its last whole record', async () => {
  const kit = await createSyncKit({ disk: createSimulatedDisk({ seed: 3 }) });
  const volume = kit.server.allocate(VOLUME_ID);
  for (let id = 1; id <= 3; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
  await kit.syncAndCompare('at first');
  const { length } = volume.dat;
  for (let id = 4; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(100).fill(id));
  volume.load(volume.dat.slice(0, length + 80), volume.idx);
  expect(await kit.sync()).toMatchObject({ ok: true, datSize: length, leaderTailBytes: 80 });
  expect(await kit.sync()).toMatchObject({ ok: true, outcome: 'idle' });
});
