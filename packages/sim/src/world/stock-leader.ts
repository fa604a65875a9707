import type { Clock } from '@holdfast/format';
import type { RpcServerTransport, RpcTransport } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import {
  createSeededRandom,
  createStockServer,
  type StockRelease,
  type StockVolume,
} from '@holdfast/testkit';
import { createRangeGauge } from '../oracles/range-gauge.js';
import { type OffsetWidth, readIndexRows } from '../oracles/second-reader.js';
import type { LeaderEvent } from '../schedule/schedule.js';
import { needleData } from './needle-data.js';
import type { LeaderState, SimulatedLeader } from './simulated-leader.js';

export interface StockLeaderOptions {
  /** What positions call it, and the host that it listens at. */
  readonly serverName: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly network: RpcServerTransport & RpcTransport;
  readonly release: StockRelease;
  readonly volumeIds: readonly number[];
  readonly collection: string;
  readonly version: 1 | 2 | 3;
  readonly messageBytes: number;
  /** The longest range that a follower asks for. */
  readonly rangeBytes: number;
  readonly seed: number;
  /** A follower asked for one more range, so many at once. */
  readonly onRange: (atOnce: number) => void;
}

/** What was written to one volume. */
interface Table {
  history: number;
  live: Map<bigint, Uint8Array>;
  /** What each write since the last compaction replaced, and where its record ends: a tail that is lost is taken back. */
  undo: {
    readonly endOffset: number;
    readonly idxSize: number;
    readonly key: bigint;
    readonly before: Uint8Array | undefined;
  }[];
  isTorn: boolean;
  isIndexRewritten: boolean;
  /** When the last compaction was opened. */
  compactedAtMs: number;
}

const FIRST_STAMP_NS = 1_700_000_000_000_000_000n;
const STAMP_STEP_NS = 1_000_003n;
/** A compaction that fails sooner than this after it was opened cannot be seen in time by anybody (docs/follow-protocol.md). */
const SEEN_AFTER_MS = 1000;

/** A model of a stock SeaweedFS volume server, and beside it a table of what was written to it. */
export function createStockLeader(options: StockLeaderOptions): SimulatedLeader {
  const { serverName, clock, network, release, volumeIds, collection, version, messageBytes, seed } = options;
  const gauge = createRangeGauge(options);
  // Its own clock: it goes as the world's, and no two writes get one stamp unless it is stepped.
  let aheadNs = FIRST_STAMP_NS;
  let histories = 0;
  const server = createStockServer({
    network,
    grpcAddress: `${serverName}:18080`,
    httpAddress: `${serverName}:8080`,
    release,
    messageBytes,
    random: createSeededRandom(seed),
    nowNs: () => (aheadNs += STAMP_STEP_NS) + BigInt(Math.round(clock.monotonicMs() * 1e6)),
  });
  const offsetWidth: OffsetWidth = server.offsetWidthBytes;
  const tables = new Map<number, Table>();
  /** The states as they were last asked for: they are the same until something happens. */
  const states = new Map<number, LeaderState>();

  /** A fresh volume runs as version 3 whatever its label, until it is mounted again. */
  function allocate(volumeId: number): void {
    server.allocate(volumeId, { collection, version }).remount();
  }

  function newTable(): Table {
    const compactedAtMs = Number.NEGATIVE_INFINITY;
    return {
      history: ++histories,
      live: new Map(),
      undo: [],
      isTorn: false,
      isIndexRewritten: false,
      compactedAtMs,
    };
  }

  function tableOf(volumeId: number): Table {
    const table = tables.get(volumeId) ?? newTable();
    tables.set(volumeId, table);
    return table;
  }

  function beginHistory(table: Table, isIndexRewritten: boolean): void {
    table.history = ++histories;
    table.undo = [];
    table.isIndexRewritten = isIndexRewritten;
  }

  function write(volume: StockVolume, table: Table, key: bigint, data: Uint8Array | undefined): void {
    const before = table.live.get(key);
    if (data === undefined) table.live.delete(key);
    else table.live.set(key, data);
    table.undo.push({ endOffset: volume.tailBytes, idxSize: volume.idxFile.sizeBytes, key, before });
  }

  function put(volume: StockVolume, table: Table, event: LeaderEvent & { readonly do: 'put' }): boolean {
    const key = BigInt(event.needle);
    const data = needleData(event.fill, event.sizeBytes);
    try {
      if (volume.put(key, data) === 'written') write(volume, table, key, data);
      return true;
    } catch (error) {
      // A read-only or closed volume; a cookie that a commit gave to an empty needle.
      if (error instanceof Error) return false;
      throw error;
    }
  }

  const isUnseen = (table: Table): boolean => clock.monotonicMs() - table.compactedAtMs < SEEN_AFTER_MS;

  function commit(volume: StockVolume, table: Table): boolean {
    const { compaction } = volume;
    if (compaction === undefined) return false;
    const mustFail = compaction.idxSizeAtStartBytes === 0 && volume.idxFile.sizeBytes > 0;
    if (mustFail && isUnseen(table)) return false;
    try {
      volume.commit();
      volume.cleanup();
    } catch {
      return true;
    }
    beginHistory(table, false);
    table.isTorn = false;
    return true;
  }

  /** The process ends with a tail that was never synced: both files are shorter, between two records or inside one. */
  function loseTail(volume: StockVolume, table: Table, choice: number): boolean {
    const lost = 1 + (choice % 4);
    const last = table.undo.at(-lost - 1);
    if (table.undo.length <= lost || last === undefined) return false;
    const taken = table.undo.splice(-lost);
    for (const { key, before } of taken.reverse()) {
      if (before === undefined) table.live.delete(key);
      else table.live.set(key, before);
    }
    const kept = last.endOffset + (choice % 3 === 0 ? 8 * (1 + (choice % 5)) : 0);
    volume.load(
      volume.dat.subarray(0, Math.min(kept, volume.dat.length)),
      volume.idx.subarray(0, last.idxSize),
    );
    table.isTorn = kept > last.endOffset;
    table.history = ++histories;
    return true;
  }

  /** `weed fix`: a key-sorted index of what the rows of the old one say is live; an empty body becomes a deletion. */
  function fixIndex(volume: StockVolume, table: Table): boolean {
    const rowSize = 12 + offsetWidth;
    const idx = volume.idx;
    const rows = readIndexRows(idx, offsetWidth).map((row, at) => ({
      ...row,
      bytes: idx.subarray(at * rowSize, (at + 1) * rowSize),
    }));
    const last = new Map(rows.map((row) => [row.key, row]));
    const live = [...last.values()].filter(({ offset, size }) => offset > 0 && size > 0);
    if (live.length === 0) return false;
    live.sort((left, right) => (left.key < right.key ? -1 : 1));
    volume.load(volume.dat, Buffer.concat(live.map(({ bytes }) => bytes)));
    for (const [key, data] of table.live) if (data.length === 0) table.live.delete(key);
    beginHistory(table, true);
    return true;
  }

  /** An old server's deletion: a row at offset 0, and no record. */
  function tombstoneAtZero(volume: StockVolume, table: Table, choice: number): boolean {
    const key = [...table.live.keys()][choice % Math.max(1, table.live.size)];
    if (key === undefined) return false;
    const row = new Uint8Array(12 + offsetWidth);
    const view = new DataView(row.buffer);
    view.setBigUint64(0, key);
    view.setInt32(8 + offsetWidth, -1);
    volume.load(volume.dat, Buffer.concat([volume.idx, row]));
    table.live.delete(key);
    beginHistory(table, true);
    return true;
  }

  /** A record that no row speaks of: the server ended between its two writes. */
  function unindexedRecord(volume: StockVolume, table: Table, choice: number): boolean {
    const before = volume.idx;
    const key = BigInt(100 + (choice % 8));
    try {
      volume.put(key, needleData(choice, 1 + (choice % 300)));
    } catch {
      return false;
    }
    volume.load(volume.dat, before);
    table.history = ++histories;
    table.isIndexRewritten = true;
    return true;
  }

  /** Bytes behind the last record that make none. */
  function tearTail(volume: StockVolume, table: Table, choice: number): boolean {
    if (table.isTorn || volume.compaction !== undefined) return false;
    const torn = needleData(choice, 8 * (1 + (choice % 6)) - (choice % 3));
    volume.load(Buffer.concat([volume.dat, torn]), volume.idx);
    table.isTorn = true;
    table.history = ++histories;
    return true;
  }

  async function apply(event: LeaderEvent): Promise<boolean> {
    if (event.do === 'restart-leader' || event.do === 'crash-leader') {
      await server.restart();
      for (const table of tables.values()) table.history = ++histories;
      return true;
    }
    if (event.do === 'step-leader-clock') {
      aheadNs += BigInt(Math.round(event.byMs)) * 1_000_000n;
      return true;
    }
    if (event.do === 'leader-down') {
      await server.stop();
      return true;
    }
    const volume = server.volumes.get(event.volume);
    if (event.do === 'remake' || event.do === 'vanish') {
      if (event.do === 'vanish' && volume === undefined) return false;
      server.deleteVolume(event.volume);
      tables.set(event.volume, newTable());
      if (event.do === 'remake') allocate(event.volume);
      return true;
    }
    if (volume === undefined) return false;
    const table = tableOf(event.volume);
    if (volume.isClosed) return false;
    // What the files are replaced under has to be closed on a real server too.
    const isOffline = volume.compaction === undefined;
    switch (event.do) {
      case 'put':
        return put(volume, table, event);
      case 'delete': {
        const key = BigInt(event.needle);
        if (volume.isReadOnly || !volume.delete(key)) return false;
        write(volume, table, key, undefined);
        return true;
      }
      case 'vacuum':
        volume.compact();
        return commit(volume, table);
      case 'compact':
        if (isOffline) table.compactedAtMs = clock.monotonicMs();
        volume.compact();
        return true;
      case 'commit':
        return commit(volume, table);
      case 'fail-commit':
        if (isOffline || isUnseen(table)) return false;
        volume.failCommit();
        return true;
      case 'fix-index':
        return isOffline && !table.isTorn && fixIndex(volume, table);
      case 'tombstone-at-0':
        return isOffline && tombstoneAtZero(volume, table, event.choice);
      case 'lose-tail':
        return isOffline && !table.isTorn && loseTail(volume, table, event.choice);
      case 'unindexed-record':
        return isOffline && !table.isTorn && unindexedRecord(volume, table, event.choice);
      case 'tear-tail':
        return tearTail(volume, table, event.choice);
    }
  }

  return {
    offsetWidth,
    serverName,
    async start() {
      for (const volumeId of volumeIds) allocate(volumeId);
      await server.start();
    },
    async apply(event) {
      states.clear();
      try {
        return await apply(event);
      } finally {
        // A look can have come while a restart was under way.
        states.clear();
      }
    },
    settled: async () => {},
    state(volumeId) {
      const known = states.get(volumeId);
      if (known !== undefined) return known;
      const volume = server.volumes.get(volumeId);
      if (volume === undefined) return undefined;
      const table = tableOf(volumeId);
      const state: LeaderState = {
        history: table.history,
        revision: volume.revision,
        dat: volume.dat,
        idx: volume.idx,
        live: new Map(table.live),
        isIndexRewritten: table.isIndexRewritten,
        isClosed: volume.isClosed,
        isCompacting: volume.compaction !== undefined,
        mayBeDamaged: table.isTorn,
      };
      states.set(volumeId, state);
      return state;
    },
    clientFor: ({ env, timers }) =>
      createSeaweedLeader({
        transport: gauge.over(network),
        fetch: server.fetch,
        grpcAddress: server.grpcAddress,
        httpAddress: server.httpAddress,
        timers,
        clock: env.clock,
        limits: { rangeBytes: options.rangeBytes, minRangeBytes: Math.min(options.rangeBytes, 256 * 1024) },
      }),
    assertAlive() {
      server.assertAlive();
      gauge.assertGentle();
    },
  };
}
