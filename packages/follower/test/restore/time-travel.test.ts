import { openVolume } from '@holdfast/store';
import {
  createSeededRandom,
  createSimulatedDisk,
  createVirtualTime,
  liveOut,
  randomLife,
} from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { FollowError, restoreVolume } from '../../src/index.js';
import { createSyncKit, type SyncKit, VOLUME_ID } from '../sync-kit.js';

const INSTANTS = 100;
const SYNCS = 40;
const NS_PER_MS = 1_000_000n;

/** Needles by id, their content in hex. */
type Live = ReadonlyMap<bigint, string>;

/** What was written down while the volume lived. */
interface Moment {
  readonly atNs: bigint;
  readonly live: Live;
}

interface Sync extends Moment {
  readonly generation: number;
  /** It came by append: what it brought is told apart by stamps. */
  readonly isAppend: boolean;
}

interface Diary {
  readonly moments: readonly Moment[];
  readonly syncs: readonly Sync[];
}

function liveOn(kit: SyncKit): Live {
  const needles = kit.server.volumes.get(VOLUME_ID)?.liveNeedles() ?? [];
  return new Map(needles.map(({ needleId, data }) => [needleId, Buffer.from(data).toString('hex')]));
}

async function liveLife(seed: number) {
  const time = createVirtualTime();
  const { clock } = time;
  const startNs = clock.nowNs();
  const disk = createSimulatedDisk({ seed });
  const kit = await createSyncKit({
    disk,
    clock,
    nowNs: clock.nowNs,
    // Several commits a sync.
    policy: { firstStepBytes: 2048, greatestStepBytes: 2048, keepForMs: 0, keepGenerations: 5 },
  });
  const random = createSeededRandom(seed);
  let moments: Moment[] = [];
  const syncs: Sync[] = [];
  for (const operation of randomLife(random, { syncs: SYNCS, maxDataBytes: 2000 })) {
    await time.advance(1 + Math.floor(random.nextFloat() * 5000));
    await liveOut(kit.server, VOLUME_ID, operation);
    const moment = { atNs: clock.nowNs(), live: liveOn(kit) };
    // A volume made anew has taken away what nobody has followed.
    if (operation.kind === 'remake')
      moments = moments.filter(({ atNs }) => atNs <= (syncs.at(-1)?.atNs ?? 0n));
    if (operation.kind !== 'sync') moments.push(moment);
    else if (kit.server.volumes.has(VOLUME_ID)) {
      const { outcome } = await kit.syncAndCompare(`sync ${syncs.length}`);
      const home = await kit.openHome();
      const generation = home.held!.id;
      // One in the middle is kept for an operator; all but the last few others go.
      if (generation === 3) await home.holdPresent('loss-guard');
      await home.prune(kit.policy, clock.nowMs());
      await home.close();
      syncs.push({ ...moment, generation, isAppend: outcome === 'appended' || outcome === 'idle' });
    }
  }
  return { kit, disk, diary: { moments, syncs }, startNs };
}

/** What the diary says of an instant; `undefined` where no commit that is kept covers it. */
function expectedAt({ moments, syncs }: Diary, kept: ReadonlySet<number>, atNs: bigint): Live | undefined {
  const index = syncs.findLastIndex((sync) => sync.atNs <= atNs);
  const sync = syncs[index];
  if (sync === undefined || !kept.has(sync.generation)) return undefined;
  if (syncs[index + 1]?.isAppend !== true) return sync.live;
  const last = moments.findLast((moment) => moment.atNs <= atNs);
  return last !== undefined && last.atNs > sync.atNs ? last.live : sync.live;
}

async function restoredAt(kit: SyncKit, atNs: bigint, out: string): Promise<Live | undefined> {
  const { env, directory, volume } = kit;
  await env.disk.makeDirectory(out);
  try {
    const { signal } = new AbortController();
    await restoreVolume(env, { directory, volume, out, asOfNs: atNs, minFreeBytes: 0, signal });
  } catch (error) {
    if (error instanceof FollowError && error.code === 'not-covered') return undefined;
    throw error;
  }
  const opened = await openVolume(env, { directory: out, name: `${VOLUME_ID}`, mode: 'read' });
  expect(opened.recovery).toMatchObject({ cutBytes: 0, droppedEntries: 0, addedEntries: 0 });
  const live = new Map<bigint, string>();
  for (const { needleId } of opened.liveByNeedleId())
    live.set(needleId, Buffer.from((await opened.readNeedle(needleId)).data).toString('hex'));
  await opened.close();
  return live;
}

const sorted = (live: Live | undefined) => live && [...live].sort(([a], [b]) => (a < b ? -1 : 1));

describe('100 random instants of a life of appends, deletes and vacuums', () => {
  it.each([1, 2, 3])('are restored as the diary says, or refused (seed %i)', async (seed) => {
    const { kit, diary, startNs } = await liveLife(seed);
    const home = await kit.openHome();
    const kept = new Set([home.held!.id, ...(await home.former()).map(({ id }) => id)]);
    await home.close();
    const random = createSeededRandom(seed + 100);
    const spanNs = Number(diary.syncs.at(-1)!.atNs - startNs);
    let refused = 0;
    let between = 0;
    for (let i = 0; i < INSTANTS; i++) {
      const atNs = startNs + BigInt(Math.floor(random.nextFloat() * 1.05 * spanNs));
      const expected = expectedAt(diary, kept, atNs);
      const found = await restoredAt(kit, atNs, `/restored-${i}`);
      expect(sorted(found), `instant ${i}: ${atNs}`).toEqual(sorted(expected));
      if (expected === undefined) refused += 1;
      else if (!diary.syncs.some(({ live }) => live === expected)) between += 1;
    }
    // The life is one in which all of it happens.
    expect(refused).toBeGreaterThan(5);
    expect(between).toBeGreaterThan(5);
    expect(INSTANTS - refused - between).toBeGreaterThan(5);
  });

  it('each instant of a commit gives that very commit, byte for byte', async () => {
    const { kit, disk, diary } = await liveLife(4);
    const newest = diary.syncs.at(-1)!;
    const { env, directory, volume } = kit;
    await env.disk.makeDirectory('/restored');
    const asOfNs = newest.atNs + NS_PER_MS;
    const { signal } = new AbortController();
    await restoreVolume(env, { directory, volume, out: '/restored', asOfNs, minFreeBytes: 0, signal });
    const leader = kit.server.volumes.get(VOLUME_ID)!;
    expect(Buffer.compare(disk.peek(`/restored/${VOLUME_ID}.dat`), leader.dat)).toBe(0);
    expect(Buffer.compare(disk.peek(`/restored/${VOLUME_ID}.idx`), leader.idx)).toBe(0);
  });
});
