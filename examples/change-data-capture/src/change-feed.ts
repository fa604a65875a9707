import { mkdir } from 'node:fs/promises';
import {
  createLeaderSource,
  defaultSyncPolicy,
  followVolumes,
  type NeedleChange,
  readChanges,
} from '@holdfast/follower';
import { systemTimers as timers } from '@holdfast/format/node';
import { createSeaweedLeader, parseServerAddress } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { assertNotServed, lockDirectory } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';

export interface ChangeFeedOptions {
  /** Of a SeaweedFS volume server: `host:port`, or `host:port.grpcPort`. */
  readonly server: string;
  readonly volumeId: number;
  /** Where the copy is kept that the changes are read from. */
  readonly directory: string;
  /** The cursor of the last change that was dealt with. Default: begin with all that is live. */
  readonly since?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProblem: (error: unknown) => void;
}

/** Follows a volume, and tells its changes as soon as they are durable here. Ends by failing with the signal's reason. */
export async function* changeFeed(options: ChangeFeedOptions): AsyncGenerator<NeedleChange, void> {
  const { server, volumeId, directory, since, onProblem } = options;
  const env = nodeStoreEnvironment();
  const leader = createSeaweedLeader({
    ...parseServerAddress(server),
    transport: createGrpcTransport(),
    fetch: createNodeFetch(),
    clock: env.clock,
    timers,
  });
  await mkdir(directory, { recursive: true });
  const lock = await lockDirectory(env, directory);
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  try {
    await assertNotServed(env, directory);
    const following = followVolumes({
      directory,
      env,
      timers,
      signal,
      source: createLeaderSource({ leader, selects: (volume) => volume.volumeId === volumeId }),
      policy: defaultSyncPolicy,
      assertLocked: () => lock.assertHeld(),
      intervalMs: 200,
      proveEveryMs: 600_000,
      onProblem,
      onVolume: ({ report }) => {
        if (!report.ok) onProblem(new Error(`${report.code}: ${report.error}`));
      },
    }).catch((error: unknown) => ending.abort(error));
    try {
      yield* readChanges(env, {
        directory,
        volume: { volumeId, collection: '' },
        since,
        signal,
        waitForMore: (waiting) => timers.sleep(100, waiting),
      });
    } finally {
      ending.abort();
      await following;
    }
  } finally {
    await lock.release();
  }
}
