import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Timers, VolumeName } from '@holdfast/format';
import { systemTimers } from '@holdfast/format/node';
import { createMemoryNetwork, type LeaderClient, type MemoryNetworkOptions } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import { openVolumeHome, type StoreEnvironment, type VolumeHome } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import {
  createSimulatedStorePorts,
  createStockServer,
  type SimulatedDisk,
  type StockServer,
  type StockServerOptions,
  type VirtualTime,
} from '@holdfast/testkit';
import { expect, onTestFinished } from 'vitest';
import {
  defaultSyncPolicy,
  type SyncPolicy,
  type SyncProgress,
  type SyncReport,
  syncVolume,
} from '../src/index.js';

export const VOLUME_ID = 7;

/** The pauses of a run without their length: what they wait for comes with the calls themselves. */
const hastyTimers: Timers = { sleep: (_delayMs, signal) => systemTimers.sleep(1, signal) };

export interface SyncKit {
  readonly server: StockServer;
  readonly leader: LeaderClient;
  readonly env: StoreEnvironment;
  readonly directory: string;
  readonly volume: VolumeName;
  readonly policy: SyncPolicy;
  openHome(): Promise<VolumeHome>;
  /** One run, as `backup` does it: home opened, synced, closed. `serverName` says whose copy is followed. */
  sync(policy?: Partial<SyncPolicy>, serverName?: string): Promise<SyncReport>;
  hasCopy(): boolean;
  /** The files of the copy. */
  files(): Promise<{ dat: Uint8Array; idx: Uint8Array }>;
  /** Expects the copy to be byte for byte the leader's. */
  compare(step: string): Promise<void>;
  /** Syncs and expects a proved copy, byte for byte the leader's; then that a second run moves nothing. */
  syncAndCompare(step: string): Promise<SyncReport>;
}

export interface SyncKitOptions extends Partial<StockServerOptions> {
  readonly policy?: Partial<SyncPolicy>;
  /** Default: the real one, in a temporary directory. */
  readonly disk?: SimulatedDisk;
  /** The follower's. Default: the real one. */
  readonly clock?: Clock;
  /** In place of the real time, and of `clock`: for a simulated disk, and somebody who moves it. */
  readonly time?: VirtualTime;
  readonly onFrame?: MemoryNetworkOptions['onFrame'];
  readonly onProgress?: (progress: SyncProgress, home: VolumeHome) => void;
}

/** A simulated stock server and a directory that follows one of its volumes. */
export async function createSyncKit(options: SyncKitOptions = {}): Promise<SyncKit> {
  const { disk, onProgress, time, onFrame } = options;
  const timers = time?.timers ?? systemTimers;
  const directory = disk ? '/copy' : await mkdtemp(join(tmpdir(), 'holdfast-follower-'));
  disk?.plant(`${directory}/.keep`, new Uint8Array(0));
  const network = createMemoryNetwork({ timers, ...(onFrame && { onFrame }) });
  const server = createStockServer({ network, ...options });
  await server.start();
  onTestFinished(async () => {
    await server.stop();
    if (!disk) await rm(directory, { recursive: true, force: true });
    server.assertAlive();
  });
  const nodeEnv = nodeStoreEnvironment();
  const env = {
    ...nodeEnv,
    ...(disk && createSimulatedStorePorts()),
    disk: disk ?? nodeEnv.disk,
    clock: time?.clock ?? options.clock ?? nodeEnv.clock,
  };
  const leader = createSeaweedLeader({
    transport: network,
    fetch: server.fetch,
    grpcAddress: server.grpcAddress,
    httpAddress: server.httpAddress,
    timers,
    clock: env.clock,
  });
  const policy = { ...defaultSyncPolicy, firstPauseMs: 1, greatestPauseMs: 5, ...options.policy };
  const volume = { volumeId: VOLUME_ID, collection: '' };

  const kit: SyncKit = {
    server,
    leader,
    env,
    directory,
    volume,
    policy,
    openHome: () => openVolumeHome(env, { directory, volume }),
    async sync(changes = {}, serverName = 'stock') {
      const home = await kit.openHome();
      try {
        return await syncVolume({
          home,
          directory,
          volume,
          leader,
          server: serverName,
          env,
          timers: disk && !time ? hastyTimers : timers,
          policy: { ...policy, ...changes },
          signal: new AbortController().signal,
          onProgress: (progress) => onProgress?.(progress, home),
        });
      } finally {
        await home.close();
      }
    },
    hasCopy() {
      const path = join(directory, `${VOLUME_ID}.dat`);
      return disk ? disk.files().includes(path) : existsSync(path);
    },
    async files() {
      const [dat, idx] = await Promise.all(
        ['dat', 'idx'].map(async (ext) => {
          const path = join(directory, `${VOLUME_ID}.${ext}`);
          return disk ? disk.peek(path) : await readFile(path);
        }),
      );
      return { dat: dat as Uint8Array, idx: idx as Uint8Array };
    },
    compare: (step) => expectEqual(kit, step),
    async syncAndCompare(step) {
      const report = await kit.sync();
      expect(report, step).toMatchObject({ ok: true, error: null });
      await expectEqual(kit, step);
      const again = await kit.sync();
      expect(again, `${step}, again`).toMatchObject({ ok: true, outcome: 'idle' });
      await expectEqual(kit, `${step}, again`);
      return report;
    },
  };
  return kit;
}

async function expectEqual(kit: SyncKit, step: string): Promise<void> {
  const leader = kit.server.volumes.get(VOLUME_ID);
  const copy = await kit.files();
  expect(Buffer.compare(copy.dat, leader?.dat ?? new Uint8Array()), `${step}: .dat`).toBe(0);
  expect(Buffer.compare(copy.idx, leader?.idx ?? new Uint8Array()), `${step}: .idx`).toBe(0);
}
