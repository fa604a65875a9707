import { writeNeedle } from '@holdfast/format';
import { systemTimers } from '@holdfast/format/node';
import {
  create,
  createMemoryNetwork,
  createRpcService,
  volumeServerPb as pb,
  RpcError,
} from '@holdfast/protocol';
import { expect, test } from 'vitest';
import type { StoredVolume } from '../../src/index.js';
import { newMachine, openStore, put, readAll, text } from '../needles/machine.js';
import { expectFailure, method, serveVolumes } from './rig.js';

const network = createMemoryNetwork({ timers: systemTimers });
const limits = { tailPassMs: 5, messageBytes: 1000, heldRecordBytes: 4000, recordsInFlight: 4 };

async function machine() {
  const env = newMachine();
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  const server = await serveVolumes(store, { env, timers: systemTimers, network, limits });
  const sourceVolumeServer = `volumes:1.${server.address.split(':')[1]}`;
  return { env, store, volume, server, sourceVolumeServer };
}

/** Every needle with its fields, and its cookie, but for its stamp. */
async function contentOf(volume: StoredVolume, ids: readonly number[]) {
  const found: unknown[] = [];
  for (const id of ids) {
    const needle = await volume.open(BigInt(id)).catch((error: { code: string }) => error.code);
    if (typeof needle === 'string') {
      found.push([id, needle]);
      continue;
    }
    const { appendAtNs: _stamp, ...meta } = needle.meta;
    await needle.close();
    found.push([id, meta, `${await readAll(volume, id)}`]);
  }
  return found;
}

test('a copy catches up: needles long and short, empty ones, deletions, other cookies', async () => {
  const source = await machine();
  const receiver = await machine();
  const long = new Uint8Array(20_000).map((_, i) => i * 7);
  for (const { volume } of [source, receiver]) {
    await put(volume, 1, text('as it was'));
    await put(volume, 2, text('to be deleted'));
    await put(volume, 3, text('to be emptied'));
    await put(volume, 4, text('deleted without its cookie'));
  }
  await put(receiver.volume, 5, text('another cookie'), { cookie: 99 });
  await put(source.volume, 1, text('changed'), { name: 'a.txt', mime: 'text/x', pairs: '{"A":"b"}' });
  await source.volume.delete(2n, { cookie: 2 });
  await put(source.volume, 3, new Uint8Array(0));
  await source.volume.delete(4n);
  await put(source.volume, 5, text('the right cookie'));
  await put(source.volume, 6, long, { name: 'long', lastModifiedSeconds: 1_700_000_000, flags: 1 });
  await put(source.volume, 7, new Uint8Array(0));
  await source.volume.delete(7n);
  for (let id = 10; id < 60; id++) await put(source.volume, id, text(`needle ${id}`));
  await receiver.server.unary(method.volumeTailReceiver, {
    volumeId: 7,
    idleTimeoutSeconds: 1,
    sourceVolumeServer: source.sourceVolumeServer,
  });
  const ids = Array.from({ length: 60 }, (_, id) => id);
  expect(await contentOf(receiver.volume, ids)).toEqual(await contentOf(source.volume, ids));
  const { datSizeBytes } = receiver.volume.status();
  await receiver.server.unary(method.volumeTailReceiver, {
    volumeId: 7,
    sinceNs: source.volume.status().lastAppendAtNs,
    idleTimeoutSeconds: 1,
    sourceVolumeServer: source.sourceVolumeServer,
  });
  expect(receiver.volume.status().datSizeBytes).toBe(datSizeBytes);
});

test('a source that is not there, that has no such volume, and that is no address', async () => {
  const { server, sourceVolumeServer, store } = await machine();
  const receive = (source: string, volumeId = 7) =>
    server.unary(method.volumeTailReceiver, { volumeId, idleTimeoutSeconds: 1, sourceVolumeServer: source });
  await expectFailure(receive(sourceVolumeServer, 77), 'unknown', 'receiver not found volume id 77');
  await expectFailure(receive('nowhere:1.9999'), 'unavailable', /nothing listens/);
  await expectFailure(receive('nowhere'), 'invalid-argument', /is no address/);
  await expectFailure(receive('nowhere:60000'), 'invalid-argument', /is no address/);
  const other = await machine();
  await store.allocate({ volumeId: 8, collection: '' });
  await expectFailure(receive(other.sourceVolumeServer, 8), 'unknown', 'not found volume id 8');
});

const record = writeNeedle({ needleId: 9n, cookie: 5, data: text('there') }, 3);
const long = writeNeedle({ needleId: 9n, cookie: 5, data: new Uint8Array(9000).fill(1), name: 'n' }, 3);
const message = (bytes: Uint8Array, from = 16, to = bytes.length, isLastChunk = to === bytes.length) => ({
  needleHeader: bytes.subarray(0, 16),
  needleBody: bytes.subarray(from, to),
  isLastChunk,
  version: 3,
});
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

test.each([
  ['a wrong CRC', [message(flipped(record, 21))], /do not have its CRC/],
  ['a body too short', [message(record, 16, 24, true)], /24 bytes of a record of 40/],
  ['a body too long', [message(record, 16, 40, false), message(record)], /40 bytes and more/],
  ['an end inside a record', [message(record, 16, 24)], /ended inside a record/],
  [
    'a header too short',
    [{ ...message(record), needleHeader: record.subarray(0, 5) }],
    /a header of 5 bytes/,
  ],
  ['a negative size', [message(flipped(record, 12).map((byte, i) => (i === 12 ? 0xff : byte)))], /size -/],
  ['another version', [{ ...message(record), version: 7 }], /version 7/],
  [
    'another record inside one',
    [message(record, 16, 24), { ...message(record), needleHeader: flipped(record, 0).subarray(0, 16) }],
    /another record begins/,
  ],
  ['a long one with a wrong CRC', [message(flipped(long, 100))], /do not have its CRC/],
  ['a long one whose data reach out of it', [message(flipped(long, 16))], /data of \d+ bytes in a size/],
  ['a long one that ends too early', [message(long, 16, 5000, true)], /bytes too early/],
  [
    'a long one with more behind it',
    [message(Buffer.concat([long, record]))],
    /more bytes than the record has/,
  ],
])('%s is refused, and nothing of it is written', async (_what, messages, text) => {
  const receiver = await machine();
  const hostile = createRpcService(pb.VolumeServer, {
    async *volumeTailSender() {
      for (const sent of messages) yield create(pb.VolumeTailSenderResponseSchema, sent);
    },
    async volumeNeedleStatus() {
      throw new RpcError('unknown', 'already deleted');
    },
  });
  const listener = await network.serve('hostile:0', [hostile]);
  await expectFailure(
    receiver.server.unary(method.volumeTailReceiver, {
      volumeId: 7,
      sourceVolumeServer: `hostile:1.${listener.address.split(':')[1]}`,
    }),
    'data-loss',
    text,
  );
  expect(receiver.volume.status()).toMatchObject({ datSizeBytes: 8, liveNeedles: 0 });
  expect(await receiver.env.disk.list('/d/.holdfast/uploads')).toEqual([]);
  await listener.close();
});
