import { idxEntrySizeBytes, parseIdxEntry } from '@holdfast/format';
import { createSimulatedDisk, type StockServer } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { createSyncKit, type SyncKit, VOLUME_ID } from './sync-kit.js';

/** Several steps, several stream messages and several commits in a volume of a few kilobytes. */
const SMALL_STEPS = {
  firstStepBytes: 512,
  greatestStepBytes: 1024,
  greatestBuildStepBytes: 1024,
  pinnedCommitBytes: 1024,
};
const MESSAGE_BYTES = 700;

interface Life {
  readonly name: string;
  /** What happens before the run that is disturbed. */
  begin(kit: SyncKit): Promise<void>;
}

const filled = (seed: number, lengthBytes = 300): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 7 + seed) % 256);

function putAll(server: StockServer, from: number, to: number, seed = 0): void {
  const volume = server.volumes.get(VOLUME_ID);
  for (let id = from; id <= to; id++) volume?.put(BigInt(id), filled(id + seed));
}

const behind = async (kit: SyncKit): Promise<void> => {
  putAll(kit.server, 1, 3);
  await kit.sync();
  putAll(kit.server, 4, 9);
  const volume = kit.server.volumes.get(VOLUME_ID);
  volume?.delete(2n);
  volume?.put(10n, new Uint8Array(0));
};

const lives: readonly Life[] = [
  { name: 'a first copy', begin: async ({ server }) => putAll(server, 1, 8) },
  { name: 'an append', begin: behind },
  {
    name: 'a copy at the tail',
    begin: async (kit) => {
      putAll(kit.server, 1, 4);
      await kit.sync();
    },
  },
  {
    name: 'a rebase',
    begin: async (kit) => {
      await behind(kit);
      kit.server.volumes.get(VOLUME_ID)?.vacuum();
    },
  },
];

interface Event {
  readonly name: string;
  /** What happens at the chosen moment, and so many moments later. */
  readonly acts: ReadonlyArray<(server: StockServer) => void | Promise<void>>;
}

function remake(server: StockServer, seed: number): void {
  const before = server.volumes.get(VOLUME_ID);
  const needles = before?.liveNeedles() ?? [];
  server.deleteVolume(VOLUME_ID);
  const volume = server.allocate(VOLUME_ID);
  for (const { needleId, data } of needles) volume.put(needleId, filled(seed, data.length));
  for (let id = 30; volume.tailBytes < (before?.tailBytes ?? 0); id++) volume.put(BigInt(id), filled(seed));
}

const change = (server: StockServer): void => {
  const volume = server.volumes.get(VOLUME_ID);
  volume?.put(3n, filled(99));
  volume?.delete(1n);
  volume?.put(20n, new Uint8Array(0));
};
const vacuum = (server: StockServer) => server.volumes.get(VOLUME_ID)?.vacuum();
const nothing = () => {};

const changeAndVacuum = (server: StockServer): void => {
  change(server);
  vacuum(server);
};

const events: readonly Event[] = [
  { name: 'a vacuum', acts: [changeAndVacuum] },
  { name: 'a vacuum that finds nothing to do', acts: [vacuum] },
  { name: 'two vacuums, and writes between', acts: [vacuum, change, nothing, vacuum] },
  {
    name: 'a vacuum with writes while it is open',
    acts: [(server) => server.volumes.get(VOLUME_ID)?.compact(), change, nothing, vacuum],
  },
  { name: 'the volume made anew with records of equal length', acts: [(server) => remake(server, 5)] },
  { name: 'appends', acts: [change] },
  { name: 'a restart', acts: [(server) => void server.restart()] },
];

interface Snapshot {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

const startsWith = (whole: Uint8Array, part: Uint8Array): boolean =>
  Buffer.compare(whole.subarray(0, part.length), part) === 0;

/** Whether the files are one generation's as far as they reach, cut between the same two records. */
function isCutOf(copy: Snapshot, whole: Snapshot, width: 4 | 5): boolean {
  if (!startsWith(whole.dat, copy.dat) || !startsWith(whole.idx, copy.idx)) return false;
  const hasMore = copy.idx.length + idxEntrySizeBytes(width) <= whole.idx.length;
  const end = hasMore ? parseIdxEntry(whole.idx, copy.idx.length, width).offset : whole.dat.length;
  return copy.dat.length === end;
}

async function countMoments(life: Life): Promise<number> {
  const kit = await createSyncKit({
    disk: createSimulatedDisk({ seed: 1 }),
    policy: SMALL_STEPS,
    messageBytes: MESSAGE_BYTES,
  });
  kit.server.allocate(VOLUME_ID);
  await life.begin(kit);
  let moments = 0;
  const count = () => void moments++;
  kit.server.hooks = { beforeCall: count, beforeMessage: count };
  expect(await kit.sync()).toMatchObject({ ok: true });
  return moments;
}

/** One run, disturbed at one moment: what is committed is never a mixture, and a further run is equal. */
async function disturb(life: Life, event: Event, moment: number): Promise<void> {
  const snapshots: Snapshot[] = [];
  const kit = await createSyncKit({
    disk: createSimulatedDisk({ seed: moment }),
    policy: SMALL_STEPS,
    messageBytes: MESSAGE_BYTES,
  });
  const { server } = kit;
  const note = (): void => {
    const volume = server.volumes.get(VOLUME_ID);
    if (volume) snapshots.push({ dat: volume.dat, idx: volume.idx });
  };
  server.allocate(VOLUME_ID);
  await life.begin(kit);
  note();
  if (kit.hasCopy()) snapshots.push(await kit.files());
  let at = -moment;
  const pass = async (): Promise<void> => {
    const act = event.acts[at++];
    if (act === undefined) return;
    await act(server);
    note();
  };
  server.hooks = { beforeCall: pass, beforeMessage: pass };
  const report = await kit.sync();
  server.hooks = {};
  server.assertAlive();
  const where = `${event.name} at moment ${moment}: ${report.outcome} ${report.error}`;
  if (kit.hasCopy()) {
    const copy = await kit.files();
    expect(
      snapshots.some((whole) => isCutOf(copy, whole, server.offsetWidthBytes)),
      where,
    ).toBe(true);
  }
  for (const act of event.acts.slice(Math.max(0, at))) await act(server);
  await kit.syncAndCompare(where);
}

describe('a leader that changes at any moment of a run', () => {
  for (const life of lives)
    for (const event of events)
      it(`${life.name}, ${event.name}`, async () => {
        const moments = await countMoments(life);
        expect(moments).toBeGreaterThan(5);
        for (let moment = 0; moment < moments; moment++) await disturb(life, event, moment);
      });
});
