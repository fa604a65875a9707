import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import type { StoredVolume } from '@holdfast/leader';
import { createHoldfastLeaderClient, type RpcServerTransport, type RpcTransport } from '@holdfast/protocol';
import { createConnectTransport } from '@holdfast/transport-connect';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { expect, test } from 'vitest';
import { type HoldfastVolumeServer, startHoldfastVolumeServer } from '../src/holdfast-volume-server.js';
import { createWeedFollower } from '../src/weed-follower.js';

const VACUUMS = 3;
const WRITERS = 4;

interface Carried {
  readonly transport: RpcTransport & RpcServerTransport;
  /** `stock`: the calls of a SeaweedFS; `holdfast.v1`. */
  readonly speaks: 'stock' | 'holdfast.v1';
}

const transports = {
  grpc: () => createGrpcTransport(),
  'connect (gRPC)': () => createConnectTransport({ protocol: 'grpc' }),
  'connect (gRPC-Web)': () => createConnectTransport({ protocol: 'grpc-web' }),
  'connect (Connect)': () => createConnectTransport({ protocol: 'connect' }),
};

const cases = Object.entries(transports).flatMap(([name, create]) =>
  (['stock', 'holdfast.v1'] as const).map((speaks) => [name, speaks, create] as const),
);

/** Writers that overwrite, delete and write empty needles until they are told to stop. */
function startLoad(volume: StoredVolume): () => Promise<void> {
  let isStopped = false;
  const writer = async (own: number): Promise<void> => {
    for (let n = 0; !isStopped; n++) {
      const id = own + WRITERS * (n % 60);
      const needleId = BigInt(id);
      if (n % 7 === 5) await volume.delete(needleId).catch(() => undefined);
      else {
        const data = n % 11 === 3 ? new Uint8Array(0) : new Uint8Array(100 + ((n * 997) % 20_000)).fill(n);
        await volume.write({ content: { needleId, cookie: id }, data });
      }
    }
  };
  const running = Promise.all(Array.from({ length: WRITERS }, (_, own) => writer(own)));
  return async () => {
    isStopped = true;
    await running;
  };
}

function leaderOf(server: HoldfastVolumeServer, { transport, speaks }: Carried) {
  if (speaks === 'stock') return {};
  const { grpcAddress: address } = server;
  return {
    leader: createHoldfastLeaderClient({ address, transport, crc32c: nativeCrc32c, timers: systemTimers }),
  };
}

async function startFollowed({ transport, speaks }: Carried) {
  const server = await startHoldfastVolumeServer({ transport });
  const follower = await createWeedFollower(server, {
    transport,
    ...leaderOf(server, { transport, speaks }),
  });
  return { server, follower };
}

test.concurrent.each(cases)(
  'over %s a follower that speaks %s follows through three vacuums under load',
  async (_name, speaks, create) => {
    const { server, follower } = await startFollowed({ transport: create(), speaks });
    try {
      const volume = await server.store.allocate({ volumeId: 7, collection: '' });
      const stopLoad = startLoad(volume);
      const outcomes: string[] = [];
      for (let vacuum = 0; vacuum < VACUUMS; vacuum++) {
        outcomes.push((await follower.sync(7)).outcome);
        await Promise.all([follower.sync(7).then(({ outcome }) => outcomes.push(outcome)), server.vacuum(7)]);
      }
      await stopLoad();
      const report = await follower.sync(7);
      expect(report, `${outcomes} ${report.error}`).toMatchObject({ ok: true, revision: VACUUMS });
      expect(await follower.differences(7)).toEqual([]);
      expect(outcomes).not.toContain('failed');
      expect(await follower.sync(7)).toMatchObject({ outcome: 'idle' });
    } finally {
      await follower.remove();
      await server.stop();
    }
  },
);

test.each(['stock', 'holdfast.v1'] as const)(
  'needle 0 by cookie 0, emptied and deleted, is followed over %s: its records begin as a hole does',
  async (speaks) => {
    const { server, follower } = await startFollowed({ transport: createGrpcTransport(), speaks });
    try {
      const volume = await server.store.allocate({ volumeId: 7, collection: '' });
      for (const data of [Uint8Array.of(1, 2, 3), new Uint8Array(0)])
        await volume.write({ content: { needleId: 0n, cookie: 0 }, data });
      expect(await follower.sync(7)).toMatchObject({ outcome: 'copied', ok: true });
      await volume.delete(0n);
      await volume.write({ content: { needleId: 1n, cookie: 1 }, data: Uint8Array.of(4) });
      expect(await follower.sync(7)).toMatchObject({ outcome: 'appended', ok: true });
      expect(await follower.differences(7)).toEqual([]);
    } finally {
      await follower.remove();
      await server.stop();
    }
  },
);
