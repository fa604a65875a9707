import type { Clock } from '@holdfast/format';
import {
  createLeader,
  type Leader,
  type NeedleStore,
  openNeedleStore,
  type StoredVolume,
} from '@holdfast/leader';
import {
  createFollowService,
  createHoldfastLeaderClient,
  type MemoryNetwork,
  type RpcListener,
} from '@holdfast/protocol';
import { isStoreError, type StoreEnvironment } from '@holdfast/store';
import {
  createSimulatedDisk,
  createSimulatedMachine,
  type SimulatedProcess,
  type SimulatedScheduler,
  type TearSizeBytes,
} from '@holdfast/testkit';
import { type OffsetWidth, readLiveNeedles } from '../oracles/second-reader.js';
import { Violation } from '../oracles/violation.js';
import type { LeaderEvent } from '../schedule/schedule.js';
import { fileName } from './file-name.js';
import { needleData } from './needle-data.js';
import type { LeaderState, SimulatedLeader } from './simulated-leader.js';

export interface HoldfastLeaderOptions {
  /** What positions call it, and the host that it listens at. */
  readonly serverName: string;
  readonly scheduler: SimulatedScheduler;
  readonly network: MemoryNetwork;
  readonly volumeIds: readonly number[];
  readonly collection: string;
  readonly tearBytes: TearSizeBytes;
  readonly seed: number;
}

/** What one volume's writers were told. */
interface Table {
  /** Another one after every change: it comes a moment after the bytes, and a look can come between. */
  live: ReadonlyMap<bigint, Uint8Array>;
  /** Writes under way when a crash came: there or not. `undefined`: a deletion. */
  readonly uncertain: Map<bigint, readonly (Uint8Array | undefined)[]>;
  /** Whether it is being removed. */
  isLeaving: boolean;
}

const DIRECTORY = '/leader';
const OFFSET_WIDTH: OffsetWidth = 5;

/** The real leader on a simulated machine of its own, and beside it a table of what its writers were told. */
export function createHoldfastLeader(options: HoldfastLeaderOptions): SimulatedLeader {
  const { serverName, scheduler, network, volumeIds, collection, tearBytes, seed } = options;
  const address = `${serverName}:18080`;
  const disk = createSimulatedDisk({ seed, tearBytes });
  disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const machine = createSimulatedMachine({ scheduler, disk, seed: seed + 1 });
  const tables = new Map<number, Table>();
  const states = new Map<number, { readonly lineageId: string; readonly state: LeaderState }>();
  let histories = 0;
  let clockOffsetMs = 0;
  let process: SimulatedProcess;
  let store: NeedleStore;
  let leader: Leader;
  let listener: RpcListener | undefined;
  /** One change at a time, as far as the table is concerned. */
  let changing: Promise<unknown> = Promise.resolve();
  let nextCrash = createCrash();

  const datPath = (volumeId: number): string => `${DIRECTORY}/${fileName(collection, volumeId)}.dat`;
  const idxPath = (volumeId: number): string => `${DIRECTORY}/${fileName(collection, volumeId)}.idx`;

  /** Two machines have two clocks. */
  const clock: Clock = {
    nowMs: () => scheduler.time.clock.nowMs() + clockOffsetMs,
    nowNs: () => scheduler.time.clock.nowNs() + BigInt(clockOffsetMs) * 1_000_000n,
    monotonicMs: scheduler.time.clock.monotonicMs,
  };

  async function startProcess(): Promise<void> {
    process = machine.startProcess();
    const { timers } = process;
    const env: StoreEnvironment = { ...process.env, clock };
    store = await openNeedleStore({ env, timers, directory: DIRECTORY });
    leader = createLeader({ env, timers, store, serverId: serverName });
    listener = await network.serve(address, [createFollowService(leader, { crc32c: env.crc32c, timers })]);
  }

  async function stopServing(): Promise<void> {
    network.dropConnections(address);
    await listener?.close();
    listener = undefined;
  }

  async function allocate(volumeId: number): Promise<void> {
    await store.allocate({ volumeId, collection });
    tables.set(volumeId, newTable());
  }

  /** What a crash left of what was under way decides what the table says; everything else has to be there. */
  function settleTable(volumeId: number, table: Table): void {
    const { uncertain } = table;
    const live = new Map(table.live);
    if (table.isLeaving && store.find(volumeId) === undefined) {
      tables.delete(volumeId);
      return;
    }
    table.isLeaving = false;
    const served = readLiveNeedles(disk.peek(datPath(volumeId)), disk.peek(idxPath(volumeId)), OFFSET_WIDTH);
    for (const [key, allowed] of uncertain) {
      const found = served.get(key)?.data;
      const isAllowed = [live.get(key), ...allowed].some((data) => isSameData(data, found));
      if (!isAllowed)
        throw new Violation(
          'leader: durable first',
          `needle ${key} as it was or as it was to be`,
          describe(found),
        );
      if (found === undefined) live.delete(key);
      else live.set(key, found.slice());
    }
    uncertain.clear();
    table.live = live;
    for (const [key, data] of live)
      if (!isSameData(served.get(key)?.data, data))
        throw new Violation(
          'leader: durable first',
          `needle ${key} of ${data.length} bytes, which was acknowledged`,
          describe(served.get(key)?.data),
        );
    for (const key of served.keys())
      if (!live.has(key)) throw new Violation('leader: live set', `no needle ${key}`, 'one');
  }

  async function write(
    volume: StoredVolume,
    table: Table,
    key: bigint,
    data: Uint8Array | undefined,
  ): Promise<boolean> {
    const former = table.uncertain.get(key) ?? [];
    table.uncertain.set(key, [...former, data]);
    const cookie = Number(key);
    try {
      if (data === undefined) await volume.delete(key, { cookie });
      else await volume.write({ content: { needleId: key, cookie }, data });
    } catch (error) {
      if (!isStoreError(error)) throw error;
      // Refused before anything was written: a deletion of nothing.
      if (error.code === 'needle-not-found') table.uncertain.delete(key);
      return false;
    }
    table.uncertain.delete(key);
    const live = new Map(table.live);
    if (data === undefined) live.delete(key);
    else live.set(key, data);
    table.live = live;
    return true;
  }

  /** Whether there was one. */
  async function remove(volumeId: number): Promise<boolean> {
    if (store.find(volumeId) === undefined) return false;
    const table = tables.get(volumeId);
    if (table !== undefined) table.isLeaving = true;
    await store.delete(volumeId);
    tables.delete(volumeId);
    return true;
  }

  async function unlessRefused(change: () => Promise<unknown>): Promise<boolean> {
    try {
      await change();
      return true;
    } catch (error) {
      if (isStoreError(error)) return false;
      throw error;
    }
  }

  async function change(event: LeaderEvent): Promise<boolean> {
    if (event.do === 'restart-leader') {
      await stopServing();
      await leader.close();
      await store.close();
      process.kill();
      await startProcess();
      for (const [volumeId, table] of tables) settleTable(volumeId, table);
      return true;
    }
    if (event.do === 'step-leader-clock') {
      clockOffsetMs += event.byMs;
      return true;
    }
    if (event.do === 'leader-down') {
      await stopServing();
      return true;
    }
    if (event.do === 'crash-leader') return false;
    if (event.do === 'remake') {
      await remove(event.volume);
      await allocate(event.volume);
      return true;
    }
    if (event.do === 'vanish') return await remove(event.volume);
    const volume = store.find(event.volume);
    const table = tables.get(event.volume);
    if (volume === undefined || table === undefined) return false;
    switch (event.do) {
      case 'put':
        return await write(volume, table, BigInt(event.needle), needleData(event.fill, event.sizeBytes));
      case 'delete':
        return await write(volume, table, BigInt(event.needle), undefined);
      case 'vacuum':
        return await unlessRefused(async () => {
          await volume.compact();
          await volume.commitCompaction();
        });
      case 'compact':
        return await unlessRefused(() => volume.compact());
      case 'commit':
        return await unlessRefused(() => volume.commitCompaction());
      case 'fail-commit':
        return await unlessRefused(() => volume.cleanupCompaction());
      default:
        return false;
    }
  }

  /** The process dies in the middle of whatever it does; a fresh one recovers what the crash left. */
  function crash(kind: (LeaderEvent & { readonly do: 'crash-leader' })['kind']): Promise<boolean> {
    machine.crash(kind);
    // What was under way never ends; what comes next is for the fresh process.
    const recovered = recover();
    changing = recovered.catch(() => {});
    const { happen } = nextCrash;
    nextCrash = createCrash();
    happen();
    return recovered;
  }

  async function recover(): Promise<boolean> {
    await stopServing();
    await startProcess();
    for (const [volumeId, table] of tables) settleTable(volumeId, table);
    // Of one that was being allocated nobody has written anything.
    for (const volumeId of volumeIds)
      if (store.find(volumeId) !== undefined && !tables.has(volumeId)) tables.set(volumeId, newTable());
    return true;
  }

  return {
    offsetWidth: OFFSET_WIDTH,
    serverName,
    async start() {
      await startProcess();
      for (const volumeId of volumeIds) await allocate(volumeId);
    },
    async apply(event) {
      if (event.do === 'crash-leader') return await crash(event.kind);
      const applied = changing.then(() => change(event));
      changing = applied.catch(() => {});
      return await applied;
    },
    async settled() {
      for (let awaited: unknown; awaited !== changing; ) {
        awaited = changing;
        await Promise.race([changing, nextCrash.happened]);
      }
    },
    state(volumeId) {
      const volume = store.find(volumeId);
      const table = tables.get(volumeId);
      if (volume === undefined || table === undefined) return undefined;
      const { datSizeBytes, idxSizeBytes, revision } = volume.status();
      const { lineageId, close } = volume.pin();
      void close();
      const known = states.get(volumeId);
      const former = known?.lineageId === lineageId ? known.state : undefined;
      const isSameLength = former?.dat.length === datSizeBytes && former.idx.length === idxSizeBytes;
      if (isSameLength && former.live === table.live) return former;
      const state: LeaderState = {
        history: former?.history ?? ++histories,
        revision,
        dat: disk.peek(datPath(volumeId)).subarray(0, datSizeBytes),
        idx: disk.peek(idxPath(volumeId)).subarray(0, idxSizeBytes),
        live: table.live,
        isIndexRewritten: false,
        isClosed: false,
        isCompacting: false,
        mayBeDamaged: false,
      };
      states.set(volumeId, { lineageId, state });
      return state;
    },
    clientFor: ({ env, timers }) =>
      createHoldfastLeaderClient({ address, transport: network, crc32c: env.crc32c, timers }),
    assertAlive() {},
  };
}

function newTable(): Table {
  return { live: new Map(), uncertain: new Map(), isLeaving: false };
}

/** Whoever waits for a change that a crash cuts short would wait for ever. */
function createCrash(): { readonly happened: Promise<void>; readonly happen: () => void } {
  let happen = (): void => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

function isSameData(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

function describe(data: Uint8Array | undefined): string {
  return data === undefined ? 'none' : `${data.length} bytes`;
}
