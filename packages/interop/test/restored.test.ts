import { createHash } from 'node:crypto';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startWeedCluster,
  type WeedAllocateOptions,
  type WeedCluster,
  type WeedPutOptions,
  type WeedVolumeServer,
} from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

interface Needle {
  readonly content: Uint8Array;
  readonly options?: WeedPutOptions;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const needles: readonly Needle[] = [
  { content: text('plain bytes') },
  { content: new Uint8Array(0) },
  { content: text('<p>named</p>'), options: { name: 'a page.html', contentType: 'text/html' } },
  { content: text('named beyond ASCII'), options: { name: 'größe.txt', contentType: 'text/plain' } },
  { content: Uint8Array.from({ length: 900_000 }, (_, i) => (i * 31) % 251) },
  { content: text('compressible '.repeat(500)), options: { name: 'long.txt', contentType: 'text/plain' } },
  { content: text('dated'), options: { query: { ts: '4102444800' } } },
  { content: text('to be overwritten') },
  { content: text('to be deleted') },
  { content: text('to be emptied') },
];
const OVERWRITTEN_ID = 8n;
const DELETED_ID = 9n;
const EMPTIED_ID = 10n;
/** Stored as gzip; version 1 keeps no flag to say so, and a real server then serves it as gzip. */
const COMPRESSED_ID = 6n;

const volumes: ReadonlyArray<{ readonly name: string; readonly allocate: WeedAllocateOptions }> = [
  { name: 'a plain volume', allocate: {} },
  { name: 'a volume of a collection', allocate: { collection: 'my-coll.x_y' } },
  { name: 'a volume with a ttl', allocate: { ttl: '5d' } },
  { name: 'a volume of version 2', allocate: { version: 2 } },
  { name: 'a volume of version 1', allocate: { version: 1 } },
];

let cluster: WeedCluster;
let leader: WeedVolumeServer;
let follower: WeedFollower;

beforeAll(async () => {
  cluster = await startWeedCluster();
  leader = cluster.servers[0]!;
  follower = await createWeedFollower(leader);
});

afterAll(async () => {
  await follower?.remove();
  await cluster?.stop();
});

async function fill(volumeId: number): Promise<void> {
  for (const [i, { content, options }] of needles.entries()) {
    const response = await leader.put(volumeId, BigInt(i + 1), content, options);
    expect(response.status).toBe(201);
  }
  await leader.put(volumeId, OVERWRITTEN_ID, text('overwritten'));
  await leader.delete(volumeId, DELETED_ID);
  await leader.put(volumeId, EMPTIED_ID, new Uint8Array(0));
}

/** What a reader sees of a needle; nothing here names the server or the moment. */
async function seen(server: WeedVolumeServer, volumeId: number, needleId: bigint): Promise<unknown> {
  const response = await server.get(volumeId, needleId);
  const header = (name: string): string | null => response.headers.get(name);
  return {
    status: response.status,
    type: header('content-type'),
    disposition: header('content-disposition'),
    etag: header('etag'),
    lastModified: header('last-modified'),
    body: digest(new Uint8Array(await response.arrayBuffer())),
  };
}

/** A real volume server of another cluster, started on a copy of the backup without what is Holdfast's own. */
async function restore(): Promise<WeedCluster> {
  const restored = await startWeedCluster({ volumeServers: 0 });
  const directory = join(restored.directory, 'restored');
  await mkdir(directory);
  await cp(follower.directory, join(directory, 'data'), { recursive: true });
  await rm(join(directory, 'data/.holdfast'), { recursive: true });
  await restored.addServer({ directory });
  return restored;
}

describe('a real volume server on a copy of the backup', () => {
  it.each([false, true])(
    'serves every live needle as its leader does (leader vacuumed: %s)',
    async (isVacuumed) => {
      const firstId = isVacuumed ? 11 : 1;
      for (const [i, { allocate }] of volumes.entries()) {
        const volumeId = firstId + i;
        await leader.allocate(volumeId, allocate);
        await fill(volumeId);
        const collection = allocate.collection ?? '';
        expect(await follower.sync(volumeId, collection)).toMatchObject({ ok: true });
        if (!isVacuumed) continue;
        await leader.vacuum(volumeId);
        expect(await follower.sync(volumeId, collection)).toMatchObject({ ok: true, outcome: 'rebased' });
      }
      const restored = await restore();
      try {
        const [server] = restored.servers;
        for (const [i, { name, allocate }] of volumes.entries()) {
          for (const [j, { content }] of needles.entries()) {
            const needleId = BigInt(j + 1);
            const original = await seen(leader, firstId + i, needleId);
            const what = `${name}, needle ${needleId}`;
            expect(await seen(server!, firstId + i, needleId), what).toEqual(original);
            const isMisread = allocate.version === 1 && needleId === COMPRESSED_ID;
            if (needleId >= OVERWRITTEN_ID || isMisread) continue;
            const body = digest(content);
            expect(original, what).toMatchObject({ status: 200, body });
          }
          expect(await seen(server!, firstId + i, DELETED_ID), name).toMatchObject({ status: 404 });
          expect(await seen(server!, firstId + i, EMPTIED_ID), name).toMatchObject({
            status: 200,
            body: digest(new Uint8Array(0)),
          });
        }
        await server!.assertStaysAlive();
      } finally {
        await restored.stop();
      }
    },
  );
});
