import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createLeaderSource, defaultSyncPolicy, followVolumes } from '@holdfast/follower';
import { systemTimers as timers } from '@holdfast/format/node';
import { createDataApi, createVolumeCopies } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import { createSeaweedLeader, parseServerAddress } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { assertNotServed, listVolumeHomes, lockDirectory } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { serve } from '@hono/node-server';

export interface ReadReplicaOptions {
  /** Of a SeaweedFS volume server: `host:port`, or `host:port.grpcPort`. All its volumes are followed. */
  readonly server: string;
  readonly directory: string;
  /** On loopback; 0 takes a free one. */
  readonly port: number;
  readonly onProblem: (error: unknown) => void;
}

export interface ReadReplica {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Rejects if following ends by itself. */
  readonly following: Promise<void>;
  /** Ends with the commit in hand. */
  close(): Promise<void>;
}

/** Follows every volume of a server and serves the copies, what is proved of them and no more, as it does. */
export async function openReadReplica(options: ReadReplicaOptions): Promise<ReadReplica> {
  const { server, directory, port, onProblem } = options;
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
  await assertNotServed(env, directory);

  // What is here from before is served at once, whether its leader can be reached or not.
  const copies = createVolumeCopies({ env, directory });
  for (const volume of await listVolumeHomes(env, directory)) await copies.refresh(volume).catch(onProblem);

  const ended = new AbortController();
  const following = followVolumes({
    directory,
    env,
    timers,
    signal: ended.signal,
    source: createLeaderSource({ leader }),
    policy: defaultSyncPolicy,
    assertLocked: () => lock.assertHeld(),
    intervalMs: 200,
    proveEveryMs: 600_000,
    onProblem,
    async onVolume({ known, report }) {
      if (!report.ok) onProblem(new Error(`${report.code}: ${report.error}`));
      await copies.refresh(known.volume).catch(onProblem);
    },
  });

  const api = createDataApi({ env: nodeHttpEnvironment(), reads: copies });
  const listener = serve({
    hostname: '127.0.0.1',
    port,
    fetch: (request, { incoming }) => api(request, { address: incoming.socket.remoteAddress ?? '' }),
  });
  await new Promise((resolve, reject) => listener.once('listening', resolve).once('error', reject));
  const { port: bound } = listener.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${bound}`,
    following,
    async close() {
      ended.abort();
      await following.catch(() => {});
      await new Promise((resolve) => listener.close(resolve));
      await copies.close();
      await lock.release();
    },
  };
}
