import { describe, expect, it } from 'vitest';
import {
  createFollowService,
  createHoldfastLeaderClient,
  createMemoryNetwork,
  type HoldfastVolume,
  LeaderError,
  type LeaderService,
  type MemoryNetworkOptions,
  type ServedFollowEvent,
  type ServedGeneration,
  type ServedVolume,
} from '../src/index.js';
import { concat, crc32c, drain, signal, timers } from './helpers.js';

const dat = Uint8Array.from({ length: 2000 }, (_, index) => index * 7);
const idx = Uint8Array.from({ length: 170 }, (_, index) => index);
const generation: ServedGeneration = { revision: 3, lineageId: 'lineage-1' };

async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < bytes.length; start += 300) yield bytes.subarray(start, start + 300);
}

/** A volume in two arrays, with what a test changes about it. */
function leader(changes: Partial<ServedVolume> = {}): LeaderService {
  const check = (asked: ServedGeneration) => {
    if (asked.lineageId !== generation.lineageId) throw new LeaderError('revision-changed', 'made anew');
  };
  const volume: ServedVolume = {
    status: async () => ({
      ...generation,
      datSizeBytes: dat.length,
      idxSizeBytes: idx.length,
      version: 3,
      offsetWidthBytes: 5,
      collection: 'c',
      readOnly: false,
      replication: '000',
    }),
    async *readRanges(asked, ranges) {
      check(asked);
      for (const { offset, lengthBytes } of ranges)
        yield* chunked(dat.subarray(offset, offset + lengthBytes));
    },
    async *readIndex(asked, startOffset, endOffset) {
      check(asked);
      yield* chunked(idx.subarray(startOffset, endOffset));
    },
    pin: async () => ({ dat: () => chunked(dat), idx: () => chunked(idx), close: async () => undefined }),
    async *follow(start): AsyncGenerator<ServedFollowEvent, void> {
      const [datOffset, idxOffset] =
        'position' in start ? [start.position.datOffset, start.position.idxOffset] : [8, 0];
      yield { kind: 'start', datOffset, idxOffset, ...generation };
      yield { kind: 'bytes', bytes: dat.subarray(datOffset, 1000) };
      yield { kind: 'bytes', bytes: dat.subarray(1000) };
      const sizes = { datSizeBytes: dat.length, idxSizeBytes: idx.length };
      yield { kind: 'durable', ...sizes, idxEntries: idx.subarray(idxOffset), ...generation };
    },
    isNeedleLive: async (needleId) => needleId === 2n ** 63n,
    ...changes,
  };
  return {
    serverId: 'server-1',
    sweep: async () => [
      {
        volumeId: 7,
        collection: 'c',
        contentBytes: 8,
        fileCount: 1,
        deleteCount: 0,
        revision: 3,
        modifiedAtSeconds: 9,
      },
    ],
    async volume(volumeId) {
      if (volumeId !== 7) throw new LeaderError('volume-not-found', `no volume ${volumeId}`);
      return volume;
    },
  };
}

interface Setting {
  readonly volumeId?: number;
  readonly changes?: Partial<ServedVolume>;
  readonly onFrame?: NonNullable<MemoryNetworkOptions['onFrame']>;
  readonly serverCrc32c?: typeof crc32c;
  readonly noBytesTimeoutMs?: number;
  readonly heartbeatMs?: number;
}

async function withVolume(setting: Setting, use: (volume: HoldfastVolume) => Promise<void>): Promise<void> {
  const { onFrame, heartbeatMs = 60_000, noBytesTimeoutMs = 60_000, serverCrc32c = crc32c } = setting;
  const network = createMemoryNetwork({ timers, ...(onFrame && { onFrame }) });
  const service = createFollowService(leader(setting.changes), { crc32c: serverCrc32c, timers, heartbeatMs });
  const listener = await network.serve('leader:0', [service]);
  const { address } = listener;
  const client = createHoldfastLeaderClient({
    address,
    transport: network,
    crc32c,
    timers,
    noBytesTimeoutMs,
  });
  const session = await client.openSession(signal);
  expect(session.serverId).toBe('server-1');
  try {
    await use(session.volume(setting.volumeId ?? 7, 'c'));
  } finally {
    await session.close();
    await listener.close();
  }
}

describe('createHoldfastLeaderClient', () => {
  it('reads status, ranges, index, liveness and a pinned pair, exactly', async () => {
    await withVolume({}, async (volume) => {
      const status = await volume.status(signal);
      expect(status).toMatchObject({ revision: 3, lineageId: 'lineage-1', datSizeBytes: 2000, version: 3 });
      const ranges = [
        { offset: 5, lengthBytes: 700 },
        { offset: 0, lengthBytes: 1 },
        { offset: 1999, lengthBytes: 1 },
      ];
      const expected = ranges.flatMap(({ offset, lengthBytes }) => [
        ...dat.subarray(offset, offset + lengthBytes),
      ]);
      expect(await concat(volume.readRanges(ranges, signal))).toEqual(expected);
      expect(await concat(volume.readIndex(16, 48, signal))).toEqual([...idx.subarray(16, 48)]);
      expect(await volume.isNeedleLive(2n ** 63n, signal)).toBe(true);
      expect(await volume.isNeedleLive(1n, signal)).toBe(false);
      const copy = await volume.openPinnedCopy(status, signal);
      expect(await concat(copy.idx)).toEqual([...idx]);
      expect(await concat(copy.dat)).toEqual([...dat]);
      await copy.close();
      expect(volume.bytesReceived).toBe(702 + 32 + 170 + 2000);
    });
  });

  it('splits more ranges than one call takes', async () => {
    await withVolume({}, async (volume) => {
      await volume.status(signal);
      const ranges = Array.from({ length: 9000 }, (_, index) => ({ offset: index % 2000, lengthBytes: 1 }));
      const bytes = await concat(volume.readRanges(ranges, signal));
      expect(bytes).toEqual(ranges.map(({ offset }) => dat[offset]));
    });
  });

  it('follows from a position and from a time, each fence checked', async () => {
    await withVolume({}, async (volume) => {
      const position = { ...generation, datOffset: 40, idxOffset: 16, overlap: dat.subarray(0, 40) };
      const events = await drain(volume.follow(position, signal));
      const bytes = events.flatMap((event) => (event.kind === 'bytes' ? [...event.bytes] : []));
      expect(bytes).toEqual([...dat.subarray(40)]);
      expect(events.at(-1)).toMatchObject({ kind: 'durable', datSizeBytes: 2000, idxSizeBytes: 170 });
      const since = await drain(volume.followSince(1n, false, signal));
      expect(since[0]).toMatchObject({ kind: 'start', datOffset: 8, idxOffset: 0 });
    });
  });

  it('brings the leader’s own codes', async () => {
    await withVolume({ volumeId: 8 }, async (volume) => {
      await expect(volume.status(signal)).rejects.toMatchObject({ code: 'volume-not-found', volumeId: 8 });
    });
    await withVolume({}, async (volume) => {
      await volume.status(signal);
      await expect(
        concat(volume.readRanges([{ offset: 1990, lengthBytes: 20 }], signal)),
      ).rejects.toMatchObject({
        code: 'past-end',
      });
    });
  });

  it('refuses a status that no volume has', async () => {
    const honest = await (await leader().volume(7, 'c')).status(signal);
    for (const lie of [
      { datSizeBytes: 7 },
      { datSizeBytes: Number.MAX_SAFE_INTEGER + 1 },
      { idxSizeBytes: 9 },
      { revision: 65536 },
      { version: 0 as never },
      { offsetWidthBytes: 3 as never },
      { lineageId: '' },
      { lineageId: 'x'.repeat(257) },
    ]) {
      await withVolume({ changes: { status: async () => ({ ...honest, ...lie }) } }, async (volume) => {
        await expect(volume.status(signal), JSON.stringify(lie)).rejects.toMatchObject({
          code: 'bad-answer',
        });
      });
    }
  });

  it('refuses a generation that is not the last status’s', async () => {
    await withVolume({}, async (volume) => {
      await expect(concat(volume.readIndex(0, 16, signal))).rejects.toMatchObject({
        code: 'revision-changed',
      });
    });
  });

  it('finds bytes that are not what the leader sent', async () => {
    const serverCrc32c = (bytes: Uint8Array, previous?: number) => (crc32c(bytes, previous) ^ 1) >>> 0;
    await withVolume({ serverCrc32c }, async (volume) => {
      await volume.status(signal);
      await expect(concat(volume.readIndex(0, 16, signal))).rejects.toMatchObject({ code: 'bad-answer' });
      await expect(drain(volume.followSince(0n, false, signal))).rejects.toMatchObject({
        code: 'bad-answer',
      });
    });
  });

  it('is unreachable where the connection breaks at any frame of a stream', async () => {
    for (let broken = 1; broken <= 8; broken++) {
      let frames = 0;
      const onFrame: Setting['onFrame'] = ({ path, direction }) => {
        if (!path.endsWith('/ReadRanges') || direction === 'request') return;
        frames += 1;
        if (frames === broken) throw new Error('cut');
      };
      await withVolume({ onFrame }, async (volume) => {
        await volume.status(signal);
        await expect(
          concat(volume.readRanges([{ offset: 0, lengthBytes: 2000 }], signal)),
        ).rejects.toMatchObject({ code: 'unreachable' });
      });
    }
  });

  it('gives up a stream on which nothing comes, but not one that its reader leaves waiting', async () => {
    const changes: Partial<ServedVolume> = {
      async *readIndex(_generation, _start, _end, ended) {
        yield idx.subarray(0, 16);
        await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
      },
    };
    await withVolume({ changes, noBytesTimeoutMs: 50 }, async (volume) => {
      await volume.status(signal);
      await expect(concat(volume.readIndex(0, 170, signal))).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('nothing came for 50 ms'),
      });
    });
  });

  it('says that it lives while a follow stream is idle', async () => {
    const changes: Partial<ServedVolume> = {
      async *follow(_start, _stayOpen, ended) {
        yield { kind: 'start', datOffset: 8, idxOffset: 0, ...generation };
        await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
      },
    };
    await withVolume({ changes, heartbeatMs: 10, noBytesTimeoutMs: 1000 }, async (volume) => {
      const kinds: string[] = [];
      for await (const { kind } of volume.followSince(0n, true, signal)) {
        kinds.push(kind);
        if (kinds.length === 4) break;
      }
      expect(kinds).toEqual(['start', 'heartbeat', 'heartbeat', 'heartbeat']);
    });
  });

  it('sweeps', async () => {
    const network = createMemoryNetwork({ timers });
    const { address } = await network.serve('leader:0', [createFollowService(leader(), { crc32c, timers })]);
    const client = createHoldfastLeaderClient({ address, transport: network, crc32c, timers });
    expect(await client.sweep(signal)).toEqual([
      {
        volumeId: 7,
        collection: 'c',
        contentBytes: 8,
        fileCount: 1,
        deleteCount: 0,
        revision: 3,
        modifiedAtSeconds: 9,
      },
    ]);
    const nobody = createHoldfastLeaderClient({ address: 'nobody:1', transport: network, crc32c, timers });
    await expect(nobody.sweep(signal)).rejects.toMatchObject({ code: 'unreachable', address: 'nobody:1' });
  });
});
