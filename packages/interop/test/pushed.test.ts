import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSyncPolicy, type FollowedVolume, followVolumes } from '@holdfast/follower';
import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import { createLeader, type NeedleStore, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import {
  createFollowService,
  createHoldfastLeaderClient,
  createMemoryNetwork,
  type FollowEvent,
  type LeaderClient,
} from '@holdfast/protocol';
import { lockDirectory } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../src/index.js';

const env = nodeStoreEnvironment();
const timers = systemTimers;
const VOLUME = { volumeId: 3, collection: '' };
const INTERVAL_MS = 20;
const PROVE_EVERY_MS = 3_600_000;

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-pushed-'));
  directories.push(directory);
  return directory;
}

type Tamper = (event: FollowEvent) => FollowEvent;

/** The client, whose leader's pushes pass through `tamper`. */
function tampered(client: LeaderClient, tamper: Tamper): LeaderClient {
  return {
    address: client.address,
    sweep: (signal) => client.sweep(signal),
    async openSession(signal) {
      const session = await client.openSession(signal);
      return {
        serverId: session.serverId,
        close: () => session.close(),
        volume(volumeId, collection) {
          const volume = session.volume(volumeId, collection);
          return Object.create(volume, {
            follow: {
              async *value(...args: Parameters<NonNullable<typeof volume.follow>>) {
                for await (const event of volume.follow!(...args)) yield tamper(event);
              },
            },
          });
        },
      };
    },
  };
}

/** Holdfast's leader with one volume, and a follower of it, on the real disk, with no socket between them. */
async function startPair(tamper: Tamper = (event) => event) {
  const leaderDirectory = await temporaryDirectory();
  const directory = await temporaryDirectory();
  const store: NeedleStore = await openNeedleStore({ env, timers, directory: leaderDirectory });
  const volume = await store.allocate({ ...VOLUME });
  const leader = createLeader({ env, timers, store, serverId: 'one' });
  const network = createMemoryNetwork({ timers });
  const service = createFollowService(leader, { crc32c: nativeCrc32c, timers, heartbeatMs: 50 });
  const listener = await network.serve('leader:1', [service]);
  const client = tampered(
    createHoldfastLeaderClient({ address: 'leader:1', transport: network, crc32c: nativeCrc32c, timers }),
    tamper,
  );
  const known = { volume: VOLUME, locations: [{ server: 'one', leader: client }], unsupported: undefined };
  const told: FollowedVolume[] = [];
  const ending = new AbortController();
  const lock = await lockDirectory(env, directory);
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
    intervalMs: INTERVAL_MS,
    proveEveryMs: PROVE_EVERY_MS,
    onVolume: (followed) => void told.push(followed),
    onLag: () => {},
    onVanished: () => {},
    onProblem: () => {},
    signal: ending.signal,
  });
  const end = async () => {
    ending.abort();
    await following;
  };
  onTestFinished(async () => {
    await end();
    await lock.release();
    await listener.close();
    await leader.close();
    await store.close();
  });
  const last = () => told.at(-1);
  const caughtUp = () => {
    const { datSizeBytes } = volume.status();
    return waitUntil(
      `the follower holds ${datSizeBytes} bytes`,
      async () => last()?.report.ok === true && last()?.report.datSize === datSizeBytes,
    );
  };
  const expectEqual = async () => {
    for (const extension of ['dat', 'idx']) {
      const [ours, theirs] = await Promise.all(
        [directory, leaderDirectory].map((place) => readFile(join(place, `3.${extension}`))),
      );
      expect(ours!.equals(theirs!), extension).toBe(true);
    }
  };
  /** Where the states end that history tells of, in its order. */
  const historyOffsets = async () => {
    const [generation] = (await readdir(join(directory, '.holdfast', '3'))).filter((name) =>
      /^\d+$/.test(name),
    );
    const text = await readFile(join(directory, '.holdfast', '3', generation!, 'history'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(' ')[1]));
  };
  return { volume, told, last, caughtUp, expectEqual, historyOffsets, end };
}

const put = (volume: StoredVolume, needleId: bigint, text: string) =>
  volume.write({ content: { needleId, cookie: 7 }, data: new TextEncoder().encode(text) });

describe('what a Holdfast leader pushes', () => {
  it('is held as soon as it is durable there: puts, overwrites, empty needles, deletions, long needles', async () => {
    const { volume, told, last, caughtUp, expectEqual } = await startPair();
    await waitUntil('the leader pushes', async () => last()?.isPushed === true);
    for (let i = 1n; i <= 20n; i++) {
      await put(volume, i, `needle ${i}`);
      await caughtUp();
    }
    await put(volume, 3n, 'another content');
    await put(volume, 4n, '');
    await volume.delete(5n, { cookie: 7 });
    await put(volume, 6n, 'x'.repeat(5_000_000));
    await caughtUp();
    await expectEqual();
    expect(last()).toMatchObject({ isPushed: true, report: { ok: true } });
    // One sync began it; the rest came by itself.
    expect(told.filter(({ isPushed }) => !isPushed)).toHaveLength(1);
  });

  it('that comes faster than it is made durable here is made durable together', async () => {
    const { volume, told, last, caughtUp, expectEqual, historyOffsets, end } = await startPair();
    await waitUntil('the leader pushes', async () => last()?.isPushed === true);
    for (let round = 0n; round < 40n; round++)
      await Promise.all(
        Array.from({ length: 25 }, (_, i) => put(volume, round * 25n + BigInt(i) + 1n, `${round}`)),
      );
    await caughtUp();
    await expectEqual();
    await end();
    const commits = told.filter(({ report }) => report.outcome === 'appended').length;
    expect(commits).toBeLessThan(200);
    // A line a second, and one for what was reached at the end.
    const offsets = await historyOffsets();
    expect(offsets.length).toBeLessThan(commits);
    expect(offsets.at(-1)).toBe(volume.status().datSizeBytes);
  });

  it('after a compaction it is built anew and stayed with again', async () => {
    const { volume, last, caughtUp, expectEqual } = await startPair();
    for (let i = 1n; i <= 10n; i++) await put(volume, i, `needle ${i}`);
    await volume.delete(1n, { cookie: 7 });
    await caughtUp();
    await volume.compact({ signal: AbortSignal.timeout(10_000) });
    await volume.commitCompaction();
    await caughtUp();
    await put(volume, 11n, 'after the compaction');
    await caughtUp();
    await expectEqual();
    await waitUntil(
      'the leader pushes again',
      async () => last()?.isPushed === true && last()?.report.revision === 1,
    );
  });

  it('has too many deletions in it: the former state is held', async () => {
    const { volume, last, caughtUp, end } = await startPair();
    for (let i = 1n; i <= 10n; i++) await put(volume, i, `needle ${i}`);
    await caughtUp();
    for (let i = 1n; i <= 8n; i++) await volume.delete(i, { cookie: 7 });
    await caughtUp();
    await waitUntil('the guard', async () => last()?.report.lossGuard === true);
    await end();
  });

  const altered = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  it.each<[string, Tamper]>([
    [
      'a record with a wrong byte',
      (event) => (event.kind === 'bytes' ? { ...event, bytes: altered(event.bytes, 30) } : event),
    ],
    [
      'the entry of another needle',
      (event) => (event.kind === 'durable' ? { ...event, idxEntries: altered(event.idxEntries, 7) } : event),
    ],
    [
      'no entries',
      (event) => (event.kind === 'durable' ? { ...event, idxEntries: new Uint8Array(0) } : event),
    ],
    [
      'a fence elsewhere',
      (event) => (event.kind === 'durable' ? { ...event, datSizeBytes: event.datSizeBytes + 8 } : event),
    ],
  ])('is not taken with %s in it: a sync takes it', async (_, tamper) => {
    const { volume, told, last, caughtUp, expectEqual } = await startPair(tamper);
    await waitUntil('the leader pushes', async () => last()?.isPushed === true);
    for (let i = 1n; i <= 3n; i++) await put(volume, i, `needle ${i}`);
    await volume.delete(2n, { cookie: 7 });
    await caughtUp();
    await expectEqual();
    expect(told.some(({ isPushed, report }) => isPushed && report.outcome === 'appended')).toBe(false);
  });
});
