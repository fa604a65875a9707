import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultSyncPolicy, type FollowedVolume, followVolumes } from '@holdfast/follower';
import { nativeCrc32c, systemTimers as timers } from '@holdfast/format/node';
import { createLeader, openNeedleStore } from '@holdfast/leader';
import { createFollowService, createHoldfastLeaderClient } from '@holdfast/protocol';
import { lockDirectory } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';

const KIB = 1024;
const VOLUME = { volumeId: 1, collection: '' };
/** Between two writes, so that each is waited for by itself. */
const GREATEST_PAUSE_MS = 20;

/**
 * How long after a write is durable on Holdfast's leader it is durable on a follower, in milliseconds, each of `writes`
 * for itself: over gRPC on loopback, both sides and their syncs on one disk.
 */
export async function measurePushLatency(writes: number): Promise<readonly number[]> {
  const env = nodeStoreEnvironment();
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const leaderDirectory = join(home, 'leader');
  const directory = join(home, 'copy');
  await Promise.all([mkdir(leaderDirectory), mkdir(directory)]);
  const store = await openNeedleStore({ env, timers, directory: leaderDirectory });
  const volume = await store.allocate({ ...VOLUME });
  const leader = createLeader({ env, timers, store, serverId: 'one' });
  const transport = createGrpcTransport();
  const service = createFollowService(leader, { crc32c: nativeCrc32c, timers });
  const listener = await transport.serve('127.0.0.1:0', [service]);
  const client = createHoldfastLeaderClient({
    address: listener.address,
    transport,
    crc32c: nativeCrc32c,
    timers,
  });
  const known = { volume: VOLUME, locations: [{ server: 'one', leader: client }], unsupported: undefined };
  const lock = await lockDirectory(env, directory);
  const ending = new AbortController();
  let told = (_followed: FollowedVolume): void => {};
  const following = followVolumes({
    directory,
    env,
    timers,
    policy: defaultSyncPolicy,
    takeOver: false,
    assertLocked: () => lock.assertHeld(),
    onProgress: () => {},
    source: {
      selects: () => true,
      list: async () => ({ volumes: [known], servers: new Map([['one', client]]), clusterVolumeCount: 1 }),
    },
    intervalMs: 1000,
    proveEveryMs: 600_000,
    onVolume: (followed) => told(followed),
    onLag: () => {},
    onVanished: () => {},
    onProblem: (error) => console.error(error),
    signal: ending.signal,
  });
  /** When the follower says that it holds so much. */
  const held = (datSizeBytes: number) =>
    new Promise<number>((resolve) => {
      told = ({ report }) => {
        if (report.ok && report.datSize >= datSizeBytes) resolve(performance.now());
      };
    });
  try {
    await held(volume.status().datSizeBytes);
    const latencies: number[] = [];
    for (let i = 1; i <= writes; i++) {
      await sleep(Math.random() * GREATEST_PAUSE_MS);
      // The follower may be as quick as the writer hears of it.
      let heldAtMs = Number.NaN;
      const isHeld = held(volume.status().datSizeBytes + 1).then((atMs) => {
        heldAtMs = atMs;
      });
      await volume.write({
        content: { needleId: BigInt(i), cookie: 1 },
        data: new Uint8Array(4 * KIB).fill(i),
      });
      const durableAtMs = performance.now();
      await isHeld;
      latencies.push(Math.max(0, heldAtMs - durableAtMs));
    }
    return latencies;
  } finally {
    ending.abort();
    await following;
    await lock.release();
    await listener.close();
    await leader.close();
    await store.close();
    await rm(home, { recursive: true });
  }
}
