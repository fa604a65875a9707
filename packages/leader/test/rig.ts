import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import { createFollowService, createHoldfastLeaderClient, createMemoryNetwork } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createLeader, type LeaderVolumes, openNeedleStore } from '../src/index.js';

export const env = nodeStoreEnvironment();
export const signal = AbortSignal.timeout(30_000);

/** A directory of its own, removed at the end. */
export async function temporaryDirectory(): Promise<{
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-leader-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export const timers = systemTimers;

/** A leader of the directory, as its files are, and a client of it, with no socket between them. */
export function serveDirectory(directory: string) {
  return serve({ directory });
}

/** The same of a store that is written. */
export async function serveStore(directory: string) {
  const store = await openNeedleStore({ env, timers, directory });
  const served = await serve({ store });
  return {
    ...served,
    store,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

async function serve(volumes: LeaderVolumes) {
  const leader = createLeader({ env, timers, ...volumes, serverId: 'here', pollIntervalMs: 5 });
  const network = createMemoryNetwork({ timers });
  const service = createFollowService(leader, { crc32c: nativeCrc32c, timers, heartbeatMs: 20 });
  const listener = await network.serve('leader:1', [service]);
  const client = createHoldfastLeaderClient({
    address: listener.address,
    transport: network,
    crc32c: nativeCrc32c,
    timers,
  });
  return {
    leader,
    client,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await leader.close();
    },
  };
}

export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
