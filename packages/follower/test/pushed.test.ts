import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import { createLeader, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import {
  createFollowService,
  createHoldfastLeaderClient,
  createMemoryNetwork,
  type FollowEvent,
  type LeaderVolume,
} from '@holdfast/protocol';
import { openVolumeHome } from '@holdfast/store';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { stayWithLeader } from '../src/cluster/stay.js';
import { compareWithLeader, defaultSyncPolicy, type SyncReport, syncVolume } from '../src/index.js';

const VOLUME = { volumeId: 7, collection: '' };
const policy = { ...defaultSyncPolicy, minFreeBytes: 0, firstPauseMs: 1, greatestPauseMs: 2 };
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Staying {
  readonly onReport?: () => Promise<void>;
  readonly mayStay?: () => boolean;
}

/** Holdfast's own leader with a volume, and a copy of it. `change` may lie about what is pushed. */
async function followed(
  change: (event: FollowEvent) => FollowEvent | readonly FollowEvent[] = (event) => event,
) {
  const served = createSimulatedEnvironment({ seed: 1 });
  served.disk.plant('/served/.keep', new Uint8Array(0));
  const store = await openNeedleStore({ env: served, timers: systemTimers, directory: '/served' });
  const volume = await store.allocate(VOLUME);
  for (let id = 1; id <= 5; id++) await put(volume, id);
  const leader = createLeader({ env: served, timers: systemTimers, store, serverId: 'here' });
  const network = createMemoryNetwork({ timers: systemTimers });
  const wire = { crc32c: nativeCrc32c, timers: systemTimers };
  const listener = await network.serve('leader:1', [
    createFollowService(leader, { ...wire, heartbeatMs: 20 }),
  ]);
  const honest = createHoldfastLeaderClient({ address: listener.address, transport: network, ...wire });
  const client = {
    ...honest,
    async openSession(signal: AbortSignal) {
      const session = await honest.openSession(signal);
      return {
        ...session,
        volume: (id: number, collection: string) => lying(session.volume(id, collection), change),
      };
    },
  };
  const env = createSimulatedEnvironment({ seed: 2 });
  env.disk.plant('/copy/.keep', new Uint8Array(0));
  const home = await openVolumeHome(env, { directory: '/copy', volume: VOLUME });
  closing.push(
    () => store.close(),
    () => leader.close(),
    () => listener.close(),
    () => home.close(),
  );
  const { signal } = new AbortController();
  const context = { directory: '/copy', env, timers: systemTimers, policy, onProgress: () => {} };
  const sync = (): Promise<SyncReport> =>
    syncVolume({ ...context, home, volume: VOLUME, leader: honest, server: 'here', signal });
  const report = await sync();
  expect(report).toMatchObject({ ok: true });
  const told: SyncReport[] = [];
  const stay = (forMs: number, { onReport = async () => {}, mayStay = () => true }: Staying = {}) =>
    stayWithLeader({
      context: { ...context, reach: (reached) => reached },
      home,
      location: { server: 'here', leader: client },
      report,
      signal,
      forMs,
      mayStay,
      async onReport(each) {
        told.push(each);
        await onReport();
      },
    });
  const isCopied = (): boolean =>
    Buffer.compare(env.disk.peek('/copy/7.dat'), served.disk.peek('/served/7.dat')) === 0 &&
    Buffer.compare(env.disk.peek('/copy/7.idx'), served.disk.peek('/served/7.idx')) === 0;
  return { volume, network, env, home, honest, sync, stay, told, isCopied, signal };
}

function put(volume: StoredVolume, id: number, lengthBytes = 400) {
  return volume.write({
    content: { needleId: BigInt(id), cookie: id },
    data: new Uint8Array(lengthBytes).fill(id),
  });
}

function lying(
  volume: LeaderVolume,
  change: (event: FollowEvent) => FollowEvent | readonly FollowEvent[],
): LeaderVolume {
  const follow = volume.follow!.bind(volume);
  return Object.assign(Object.create(volume) as LeaderVolume, {
    volumeId: volume.volumeId,
    async *follow(...args: Parameters<typeof follow>) {
      for await (const event of follow(...args)) {
        const told = change(event);
        yield* 'kind' in told ? [told] : told;
      }
    },
  });
}

describe('a leader that pushes', () => {
  it('is followed write by write: deletions, empty needles and overwrites too', async () => {
    const { volume, stay, told, isCopied, home } = await followed();
    let writes = 0;
    const end = await stay(400, {
      onReport: async () => {
        writes += 1;
        if (writes === 1) await put(volume, 10);
        if (writes === 2) await volume.delete(1n);
        if (writes === 3) await Promise.all([put(volume, 11, 0), put(volume, 2)]);
      },
    });
    expect(end).toBe('over');
    expect(writes).toBeGreaterThan(3);
    expect(isCopied()).toBe(true);
    expect(home.held!.position.liveNeedles).toBe(6);
    expect(told.at(-1)).toMatchObject({ ok: true, reason: 'pushed by the leader', code: null });
  });

  it('and compacts ends the stream: a sync follows the new generation', async () => {
    const { volume, stay, sync, isCopied } = await followed();
    await volume.delete(1n);
    let isCompacted = false;
    const end = await stay(5_000, {
      onReport: async () => {
        if (isCompacted) return;
        isCompacted = true;
        await volume.compact();
        await volume.commitCompaction();
      },
    });
    expect(end).toBe('over');
    expect(await sync()).toMatchObject({ ok: true, outcome: 'rebased' });
    expect(isCopied()).toBe(true);
  });

  it('is not stayed with where that may not be', async () => {
    const { volume, stay, told, isCopied } = await followed();
    await put(volume, 10);
    expect(await stay(1_000, { mayStay: () => false })).toBe('no-push');
    expect(told).toEqual([]);
    expect(isCopied()).toBe(false);
  });
});

describe('what a leader pushes that is not so', () => {
  const durable = (
    event: FollowEvent,
    change: Partial<Extract<FollowEvent, { kind: 'durable' }>>,
  ): FollowEvent =>
    event.kind === 'durable' && event.idxEntries.length > 0 ? { ...event, ...change } : event;
  const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = bytes.slice();
    copy[at]! ^= 1;
    return copy;
  };

  it.each<[string, (event: FollowEvent) => FollowEvent | readonly FollowEvent[]]>([
    [
      'bytes that make no record',
      (event) => (event.kind === 'bytes' ? { ...event, bytes: flipped(event.bytes, 12) } : event),
    ],
    [
      'data with another CRC',
      (event) => (event.kind === 'bytes' ? { ...event, bytes: flipped(event.bytes, 40) } : event),
    ],
    [
      'an end inside a record',
      (event) =>
        event.kind === 'durable' ? durable(event, { datSizeBytes: event.datSizeBytes - 8 }) : event,
    ],
    ['too few entries', (event) => durable(event, { idxEntries: new Uint8Array(0) })],
    [
      'the entry of another record',
      (event) =>
        event.kind === 'durable' ? durable(event, { idxEntries: flipped(event.idxEntries, 7) }) : event,
    ],
    [
      'a deletion of another needle',
      (event) =>
        event.kind === 'durable'
          ? durable(event, { idxEntries: flipped(event.idxEntries, event.idxEntries.length - 17 + 7) })
          : event,
    ],
  ])('%s: nothing of it is committed, and a sync goes on', async (_what, change) => {
    const { volume, stay, sync, isCopied, home } = await followed(change);
    const before = home.held!.position.datSizeBytes;
    await put(volume, 10);
    await volume.delete(4n);
    expect(await stay(2_000)).toBe('broken');
    expect(home.held!.position.datSizeBytes).toBe(before);
    expect(await sync()).toMatchObject({ ok: true, outcome: 'appended' });
    expect(isCopied()).toBe(true);
  });

  it('a stream that is cut: what was proved stays, and the next run goes on', async () => {
    const { volume, stay, network, sync, isCopied } = await followed();
    let reports = 0;
    const end = await stay(5_000, {
      onReport: async () => {
        reports += 1;
        if (reports === 1) await put(volume, 10);
        if (reports === 2) network.dropConnections();
      },
    });
    expect(end).toBe('over');
    expect(await sync()).toMatchObject({ ok: true });
    expect(isCopied()).toBe(true);
  });
});

describe('a comparison of every byte with the leader', () => {
  it('finds nothing in a sound copy, each block that differs, and what the leader does not have', async () => {
    const { env, home, honest, volume, signal } = await followed();
    await put(volume, 20, 200_000);
    const session = await honest.openSession(signal);
    closing.push(() => session.close());
    const leader = session.volume(7, '');
    const { held } = home;
    const compare = async (copy: Parameters<typeof compareWithLeader>[0]) => {
      const found = [];
      for await (const divergence of compareWithLeader(copy, leader, signal)) found.push(divergence);
      return found;
    };
    expect(await compare(held!)).toEqual([]);

    const report = env.disk.peek('/copy/7.dat');
    const changed = report.slice();
    changed[100]! ^= 1;
    const dat = {
      sizeBytes: async () => changed.length,
      readAt: async (at: number, n: number) => changed.slice(at, at + n),
    };
    expect(await compare({ position: held!.position, dat, idx: held!.idx })).toEqual([
      { file: 'dat', offset: 0 },
    ]);

    const longer = { ...held!.position, datSizeBytes: held!.position.datSizeBytes + 1_000_000 };
    await expect(compare({ position: longer, dat, idx: held!.idx })).rejects.toMatchObject({
      code: 'leader-unsettled',
    });
    const older = { ...held!.position, revision: 9 };
    await expect(compare({ position: older, dat, idx: held!.idx })).rejects.toMatchObject({
      code: 'leader-unsettled',
    });
  });
});
