import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defaultSyncPolicy,
  releaseHeld,
  type SyncPolicy,
  type SyncReport,
  syncVolume,
} from '@holdfast/follower';
import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { systemTimers } from '@holdfast/format/node';
import type { LeaderClient, RpcTransport } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { type FormerGeneration, openVolumeHome, type VolumeHome } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import type { WeedVolumeServer } from './weed-volume-server.js';

export interface WeedFollowerOptions {
  readonly policy?: Partial<SyncPolicy>;
  readonly transport?: RpcTransport;
  /** Default: the client for a stock SeaweedFS. */
  readonly leader?: LeaderClient;
  /** Default: a new one, removed by `remove`. */
  readonly directory?: string;
}

/** A directory that follows volumes of one real server, in process. */
export interface WeedFollower {
  readonly directory: string;
  readonly leader: LeaderClient;
  /** One run, as `backup` does it: pruned when it has ended. */
  sync(volumeId: number, collection?: string): Promise<SyncReport>;
  former(volumeId: number): Promise<readonly FormerGeneration[]>;
  /** What an operator's release does. */
  release(volumeId: number): Promise<void>;
  /** A file of the copy as it is on disk now. */
  readFile(volumeId: number, ext: '.dat' | '.idx', collection?: string): Promise<Buffer>;
  /** Which of `.dat` and `.idx` differ from the server's, with both lengths. Empty: equal byte for byte. */
  differences(volumeId: number, collection?: string): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Whom a follower follows: the real server, or one that answers as it does. */
export type FollowedServer = Pick<WeedVolumeServer, 'grpcAddress' | 'httpAddress' | 'readFile'>;

export async function createWeedFollower(
  server: FollowedServer,
  options: WeedFollowerOptions = {},
): Promise<WeedFollower> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'holdfast-copy-')));
  const env = nodeStoreEnvironment();
  const leader =
    options.leader ??
    createSeaweedLeader({
      transport: options.transport ?? createGrpcTransport(),
      fetch: createNodeFetch(),
      grpcAddress: server.grpcAddress,
      httpAddress: server.httpAddress,
      timers: systemTimers,
      clock: env.clock,
    });
  const policy = { ...defaultSyncPolicy, ...options.policy };

  const atHome = async <T>(volume: VolumeName, work: (home: VolumeHome) => Promise<T>): Promise<T> => {
    const home = await openVolumeHome(env, { directory, volume });
    try {
      return await work(home);
    } finally {
      await home.close();
    }
  };

  const follower: WeedFollower = {
    directory,
    leader,
    sync: (volumeId, collection = '') =>
      atHome({ volumeId, collection }, async (home) => {
        const { httpAddress } = server;
        const report = await syncVolume({
          home,
          directory,
          volume: { volumeId, collection },
          leader,
          server: httpAddress,
          env,
          timers: systemTimers,
          policy,
          signal: new AbortController().signal,
        });
        await home.prune(policy, env.clock.nowMs());
        return report;
      }),
    former: (volumeId) => atHome({ volumeId, collection: '' }, (home) => home.former()),
    release: (volumeId) => atHome({ volumeId, collection: '' }, releaseHeld),
    readFile: (volumeId, ext, collection = '') =>
      readFile(join(directory, formatVolumeName({ volumeId, collection }) + ext)),
    async differences(volumeId, collection = '') {
      const found: string[] = [];
      for (const ext of ['.dat', '.idx'] as const) {
        const theirs = await server.readFile(volumeId, ext, collection);
        const ours = await follower.readFile(volumeId, ext, collection);
        if (Buffer.compare(ours, theirs) !== 0)
          found.push(`${ext}: ${ours.length} bytes here, ${theirs.length} on the leader`);
      }
      return found;
    },
    async remove() {
      await rm(directory, { recursive: true, force: true });
    },
  };
  return follower;
}
