import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FollowError, restoreVolume } from '@holdfast/follower';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom, randomLife } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { liveOutOnWeed, startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const VOLUME_ID = 1;
const NEEDLES = 12;
const SYNCS = 14;
const INSTANTS = 100;
const SEED = 7;

/** What readers of the leader saw, by needle id: the body, or why there was none. */
type Seen = readonly string[];

interface Moment {
  readonly atMs: number;
  readonly seen: Seen;
}

let cluster: WeedCluster;
let leader: WeedVolumeServer;
let follower: WeedFollower;
/** A cluster of its own that never saw the volume: what is restored is mounted there. */
let others: WeedCluster;
let other: WeedVolumeServer;

beforeAll(async () => {
  cluster = await startWeedCluster();
  leader = cluster.servers[0]!;
  follower = await createWeedFollower(leader, { policy: { keepForMs: 0, keepGenerations: 3 } });
  others = await startWeedCluster();
  other = others.servers[0]!;
});

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
  await others?.stop();
});

async function seenOn(server: WeedVolumeServer): Promise<Seen> {
  const seen: string[] = [];
  for (let needleId = 1n; needleId <= NEEDLES; needleId++) {
    const response = await server.get(VOLUME_ID, needleId);
    const body = Buffer.from(await response.arrayBuffer());
    seen.push(response.ok ? body.toString('hex') : `${response.status}`);
  }
  return seen;
}

/** Until the clock shows another millisecond: what was before and what comes after have times of their own. */
async function nextMillisecond(): Promise<number> {
  const startMs = Date.now();
  while (Date.now() <= startMs + 1) await new Promise((resolve) => setImmediate(resolve));
  return Date.now();
}

/** What readers of a real server see that a restore was mounted on; `undefined` where no commit covers the instant. */
async function seenOnRestoredAt(atMs: number): Promise<Seen | undefined> {
  const out = other.dataDirectory;
  const volume = { volumeId: VOLUME_ID, collection: '' };
  const { signal } = new AbortController();
  const { directory } = follower;
  const asOfNs = BigInt(atMs) * 1_000_000n;
  try {
    const options = { directory, volume, out, asOfNs, minFreeBytes: 0, signal };
    await restoreVolume(nodeStoreEnvironment(), options);
  } catch (error) {
    if (error instanceof FollowError && error.code === 'not-covered') return undefined;
    throw error;
  }
  await other.mount(VOLUME_ID);
  const seen = await seenOn(other);
  await other.unmount(VOLUME_ID);
  const files = (await readdir(out)).filter((name) => name.startsWith(`${VOLUME_ID}.`));
  for (const name of files) await rm(join(out, name), { recursive: true });
  return seen;
}

it(`${INSTANTS} random instants of a life on the real server are restored as it was, or refused (seed ${SEED})`, async () => {
  const random = createSeededRandom(SEED);
  const moments: Moment[] = [];
  const syncs: (Moment & { readonly outcome: string; readonly revision: number })[] = [];
  await leader.allocate(VOLUME_ID);
  moments.push({ atMs: await nextMillisecond(), seen: await seenOn(leader) });
  const life = randomLife(random, {
    syncs: SYNCS,
    operationsBetweenSyncs: 8,
    needleCount: NEEDLES,
    remakes: false,
    restarts: false,
  });
  for (const operation of life) {
    await nextMillisecond();
    if (operation.kind === 'sync') {
      const { ok, outcome, revision } = await follower.sync(VOLUME_ID);
      expect(ok).toBe(true);
      syncs.push({ atMs: await nextMillisecond(), seen: await seenOn(leader), outcome, revision });
    } else {
      await liveOutOnWeed(leader, VOLUME_ID, operation);
      moments.push({ atMs: await nextMillisecond(), seen: await seenOn(leader) });
    }
  }
  const kept = new Set((await follower.former(VOLUME_ID)).map(({ position }) => position?.revision));
  kept.add(syncs.at(-1)!.revision);

  const expectedAt = (atMs: number): Seen | undefined => {
    const index = syncs.findLastIndex((sync) => sync.atMs <= atMs);
    const sync = syncs[index];
    if (sync === undefined || !kept.has(sync.revision)) return undefined;
    if (syncs[index + 1]?.outcome !== 'appended') return sync.seen;
    const last = moments.findLast((moment) => moment.atMs <= atMs);
    return last !== undefined && last.atMs > sync.atMs ? last.seen : sync.seen;
  };

  const candidates = [...moments, ...syncs].map(({ atMs }) => atMs);
  const chosen = () => candidates[Math.floor(random.nextFloat() * candidates.length)]!;
  // The first one is before anything was followed.
  const instants = [candidates[0]!, ...Array.from({ length: INSTANTS - 1 }, chosen)];
  let refused = 0;
  for (const [i, atMs] of instants.entries()) {
    const seen = await seenOnRestoredAt(atMs);
    expect(seen, `instant ${i}, ${atMs}`).toEqual(expectedAt(atMs));
    if (seen === undefined) refused += 1;
  }
  other.assertAlive();
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThan(INSTANTS);
});
