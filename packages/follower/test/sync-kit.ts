import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTimers } from '@holdfast/format/node';
import { createMemoryNetwork, type LeaderClient } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import { openVolumeHome, type VolumeHome } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createStockServer, type StockServer, type StockServerOptions } from '@holdfast/testkit';
import { expect, onTestFinished } from 'vitest';
import { defaultSyncPolicy, type SyncPolicy, type SyncReport, syncVolume } from '../src/index.js';

export const VOLUME_ID = 7;

export interface SyncKit {
  readonly server: StockServer;
  readonly leader: LeaderClient;
  readonly directory: string;
  readonly policy: SyncPolicy;
  openHome(): Promise<VolumeHome>;
  /** One run, as `backup` does it: home opened, synced, closed. */
  sync(policy?: Partial<SyncPolicy>): Promise<SyncReport>;
  /** The files of the copy. */
  files(): Promise<{ dat: Uint8Array; idx: Uint8Array }>;
  /** Syncs and expects a proved copy, byte for byte the leader's; then that a second run moves nothing. */
  syncAndCompare(step: string): Promise<SyncReport>;
}

/** A simulated stock server and a directory that follows one of its volumes. */
export async function createSyncKit(
  options: Partial<StockServerOptions> & { readonly policy?: Partial<SyncPolicy> } = {},
): Promise<SyncKit> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-follower-'));
  const network = createMemoryNetwork({ timers: systemTimers });
  const server = createStockServer({ network, ...options });
  await server.start();
  onTestFinished(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
    server.assertAlive();
  });
  const env = nodeStoreEnvironment();
  const leader = createSeaweedLeader({
    transport: network,
    fetch: server.fetch,
    grpcAddress: server.grpcAddress,
    httpAddress: server.httpAddress,
    timers: systemTimers,
    clock: env.clock,
  });
  const policy = { ...defaultSyncPolicy, firstPauseMs: 1, greatestPauseMs: 5, ...options.policy };
  const volume = { volumeId: VOLUME_ID, collection: '' };

  const kit: SyncKit = {
    server,
    leader,
    directory,
    policy,
    openHome: () => openVolumeHome(env, { directory, volume }),
    async sync(changes = {}) {
      const home = await kit.openHome();
      try {
        return await syncVolume({
          home,
          directory,
          volume,
          leader,
          server: 'stock',
          env,
          timers: systemTimers,
          policy: { ...policy, ...changes },
          signal: new AbortController().signal,
        });
      } finally {
        await home.close();
      }
    },
    async files() {
      const [dat, idx] = await Promise.all(
        ['dat', 'idx'].map(async (ext) => await readFile(join(directory, `${VOLUME_ID}.${ext}`))),
      );
      return { dat: dat as Uint8Array, idx: idx as Uint8Array };
    },
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
