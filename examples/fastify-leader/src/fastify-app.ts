import { timingSafeEqual } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { formatVolumeName } from '@holdfast/format';
import { nativeCrc32c as crc32c, systemTimers as timers } from '@holdfast/format/node';
import { createDataApi, createLeader, type NeedleStore, openNeedleStore } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import { createFollowService, type RpcListener } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { type FastifyInstance, fastify } from 'fastify';
import { needleRoutes } from './needle-routes.js';

export interface FastifyAppOptions {
  readonly directory: string;
  /** `host:port` for followers; port 0 takes a free one. */
  readonly grpcAddress: string;
  /** What a writer has to give as `x-api-key`. */
  readonly writeKey: string;
}

export interface LeaderApp {
  /** Not listening yet; closing it closes everything. */
  readonly app: FastifyInstance;
  readonly store: NeedleStore;
  readonly followers: RpcListener;
}

/** An app with routes and hooks of its own, in which a leader is one handler among others. */
export async function createFastifyApp(options: FastifyAppOptions): Promise<LeaderApp> {
  const { directory, grpcAddress, writeKey } = options;
  const env = nodeStoreEnvironment();
  await mkdir(directory, { recursive: true });
  const store = await openNeedleStore({ env, timers, directory });
  const leader = createLeader({ env, timers, store, serverId: 'fastify' });
  const service = createFollowService(leader, { crc32c, timers });
  const followers = await createGrpcTransport().serve(grpcAddress, [service]);

  const app = fastify();
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead && !isSame(headers['x-api-key'], writeKey)) await reply.code(401).send({ error: 'no key' });
  });
  app.get('/volumes', async () =>
    store.list().map((volume) => {
      const { liveNeedles, datSizeBytes, revision } = volume.status();
      return { name: formatVolumeName(volume.name), files: liveNeedles, datSizeBytes, revision };
    }),
  );
  await app.register(
    needleRoutes(createDataApi({ env: nodeHttpEnvironment(), reads: store, writes: store })),
  );
  app.addHook('onClose', async () => {
    await followers.close();
    await leader.close();
    await store.close();
  });
  return { app, store, followers };
}

function isSame(given: unknown, wanted: string): boolean {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
