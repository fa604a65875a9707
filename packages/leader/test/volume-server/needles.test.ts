import { crc32c, legacyCrc, parseNeedle, recordLengthBytes, writeNeedle } from '@holdfast/format';
import { expect, test } from 'vitest';
import { newMachine, openStore, put, readAll, text } from '../needles/machine.js';
import { expectFailure, method, type ServeOptions, serveVolumes } from './rig.js';

async function machine(options: Partial<ServeOptions> = {}) {
  const env = newMachine();
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  const server = await serveVolumes(store, { env, timers: env.time.timers, ...options });
  return { env, store, volume, server };
}

test('exactly the range asked for, wherever it begins', async () => {
  const { volume, server } = await machine();
  const { offset, sizeBytes } = await put(volume, 1, text('hello'), { name: 'a.txt' });
  const { needleBlob } = await server.unary(method.readNeedleBlob, {
    volumeId: 7,
    offset: BigInt(offset),
    size: sizeBytes,
  });
  expect(parseNeedle(needleBlob, 3)).toMatchObject({ needleId: 1n, cookie: 1, data: text('hello') });
  const start = await server.unary(method.readNeedleBlob, { volumeId: 7, offset: 0n, size: 0 });
  expect(start.needleBlob).toHaveLength(32);
  expect(start.needleBlob[0]).toBe(3);
});

test.each([
  [8n, -1, 'unknown', 'read needle blob offset 8 size -1: invalid needle size -1'],
  [8n, -100, 'unknown', 'read needle blob offset 8 size -100: invalid needle size -100'],
  [8n, -2_147_483_648, 'unknown', /invalid needle size/],
  [-8n, 5, 'unknown', 'read needle blob offset -8 size 5: negative offset'],
  [8n, 2_147_483_647, 'unknown', 'read needle blob offset 8 size 2147483647: EOF'],
  [1n << 62n, 5, 'unknown', /: EOF$/],
  [9n, 5, 'unknown', /: EOF$/],
] as const)('offset %s and size %s are refused', async (offset, size, code, message) => {
  const { volume, server } = await machine();
  await put(volume, 1, text('hello'));
  await expectFailure(server.unary(method.readNeedleBlob, { volumeId: 7, offset, size }), code, message);
  await server.unary(method.volumeSyncStatus, { volumeId: 7 });
});

test('a blob beyond the limit is refused before anything is read', async () => {
  const { volume, server } = await machine({ limits: { blobBytes: 64 } });
  const { sizeBytes } = await put(volume, 1, new Uint8Array(100));
  await expectFailure(
    server.unary(method.readNeedleBlob, { volumeId: 7, offset: 8n, size: sizeBytes }),
    'resource-exhausted',
    /64 are the limit/,
  );
  await expectFailure(
    server.all(method.readAllNeedles, { volumeIds: [7] }),
    'resource-exhausted',
    /100 bytes/,
  );
});

test('meta of a record, of a deletion, and of what is no such record', async () => {
  const { volume, server } = await machine();
  const written = await put(volume, 1, text('hello'), { lastModifiedSeconds: 1_700_000_000 });
  const meta = await server.unary(method.readNeedleMeta, {
    volumeId: 7,
    needleId: 1n,
    offset: BigInt(written.offset),
    size: written.sizeBytes,
  });
  expect(meta).toMatchObject({
    cookie: 1,
    lastModified: 1_700_000_000n,
    crc: legacyCrc(crc32c(text('hello'))),
    ttl: '',
    appendAtNs: written.appendAtNs,
  });
  await volume.delete(1n);
  const deletedAt = BigInt(written.offset + recordLengthBytes(3, written.sizeBytes));
  for (const size of [-1, 0])
    await server.unary(method.readNeedleMeta, { volumeId: 7, needleId: 1n, offset: deletedAt, size });
  const asked = { volumeId: 7, needleId: 1n, offset: BigInt(written.offset), size: written.sizeBytes };
  const mismatch = /^size mismatch for entry at offset 8: found id 1 size \d+, expected size \d+$/;
  await expectFailure(
    server.unary(method.readNeedleMeta, { ...asked, size: asked.size + 1 }),
    'unknown',
    mismatch,
  );
  await expectFailure(server.unary(method.readNeedleMeta, { ...asked, needleId: 5n }), 'unknown', mismatch);
  await expectFailure(server.unary(method.readNeedleMeta, { ...asked, offset: 8000n }), 'unknown', 'EOF');
  await expectFailure(
    server.unary(method.readNeedleMeta, { ...asked, size: 2_147_483_647 }),
    'unknown',
    'EOF',
  );
});

test('the state of a needle', async () => {
  const { volume, server } = await machine();
  const { sizeBytes } = await put(volume, 1, text('hello'));
  await put(volume, 2, new Uint8Array(0));
  await put(volume, 3, text('gone'));
  await volume.delete(3n);
  const status = (needleId: bigint) => server.unary(method.volumeNeedleStatus, { volumeId: 7, needleId });
  const crc = legacyCrc(crc32c(text('hello')));
  expect(await status(1n)).toMatchObject({ needleId: 1n, cookie: 1, size: sizeBytes, crc });
  expect(await status(2n)).toMatchObject({ needleId: 2n, cookie: 2, size: 0 });
  await expectFailure(status(3n), 'unknown', 'already deleted');
  await expectFailure(status(4n), 'not-found', 'needle not found 4');
});

test('a blob is written as another copy has it, but for its stamp', async () => {
  const { volume, server } = await machine();
  const record = writeNeedle(
    {
      needleId: 9n,
      cookie: 5,
      data: text('there'),
      name: 'n',
      mime: 'text/x',
      pairs: '{"A":"b"}',
      appendAtNs: 1n,
    },
    3,
  );
  const size = new DataView(record.buffer).getInt32(12);
  const request = { volumeId: 7, needleId: 9n, size, needleBlob: record };
  await server.unary(method.writeNeedleBlob, request);
  const needle = await volume.open(9n, { cookie: 5 });
  expect(needle.meta).toMatchObject({ name: text('n'), mime: text('text/x'), pairs: text('{"A":"b"}') });
  expect(needle.meta.appendAtNs).toBeGreaterThan(1n);
  await needle.close();
  const { datSizeBytes } = volume.status();
  await server.unary(method.writeNeedleBlob, request);
  expect(volume.status().datSizeBytes).toBe(datSizeBytes);
  const other = writeNeedle(
    { needleId: 9n, cookie: 6, data: text('there'), name: 'n', mime: 'text/x', pairs: '{"A":"b"}' },
    3,
  );
  await server.unary(method.writeNeedleBlob, { ...request, needleBlob: other });
  await (await volume.open(9n, { cookie: 6 })).close();
});

test.each([
  ['another id', { needleId: 10n }, /needle 10 does not match its blob header id 9$/],
  ['another size', { size: 1 }, /needle 9 size 1 does not match its blob header size \d+$/],
  ['a negative size', { size: -5 }, 'write blob needle 9 size -5: needle 9 has invalid size -5'],
  [
    'less than a header',
    { needleBlob: new Uint8Array(3) },
    /blob of 3 bytes is shorter than a needle header$/,
  ],
] as const)('a blob of %s is refused', async (_what, change, message) => {
  const { volume, server } = await machine();
  const needleBlob = writeNeedle({ needleId: 9n, cookie: 5, data: text('there') }, 3);
  const size = new DataView(needleBlob.buffer).getInt32(12);
  const request = { volumeId: 7, needleId: 9n, size, needleBlob, ...change };
  await expectFailure(server.unary(method.writeNeedleBlob, request), 'unknown', message);
  expect(volume.status()).toMatchObject({ datSizeBytes: 8, liveNeedles: 0 });
});

test('a blob that is damaged, too long or too short is refused, and one to a read-only volume', async () => {
  const { volume, server } = await machine();
  const record = writeNeedle({ needleId: 9n, cookie: 5, data: text('there') }, 3);
  const size = new DataView(record.buffer).getInt32(12);
  const write = (needleBlob: Uint8Array) =>
    server.unary(method.writeNeedleBlob, { volumeId: 7, needleId: 9n, size, needleBlob });
  const damaged = record.slice();
  damaged[21]! ^= 1;
  await expectFailure(write(damaged), 'unknown', /do not have its CRC$/);
  await expectFailure(write(record.subarray(0, -8)), 'unknown', /a record of \d+ bytes in \d+$/);
  await expectFailure(write(Buffer.concat([record, new Uint8Array(8)])), 'unknown', /a record of/);
  expect(volume.status().datSizeBytes).toBe(8);
  await volume.markReadOnly(true);
  await expectFailure(write(record), 'unknown', `write blob needle 9 size ${size}: volume 7 is read only`);
});

test('all needles that are live, in the order of the file', async () => {
  const { store, volume, server } = await machine();
  for (const id of [5, 3, 8, 1]) await put(volume, id, text(`needle ${id}`), { name: `${id}.txt` });
  await volume.delete(8n);
  await put(volume, 5, text('other'));
  const second = await store.allocate({ volumeId: 8, collection: 'c' });
  await put(second, 2, text('elsewhere'), { flags: 1 });
  const needles = await server.all(method.readAllNeedles, { volumeIds: [7, 8] });
  expect(
    needles.map(({ volumeId, needleId, needleBlob }) => `${volumeId} ${needleId} ${Buffer.from(needleBlob)}`),
  ).toEqual(['7 3 needle 3', '7 1 needle 1', '7 5 other', '8 2 elsewhere']);
  expect(needles[0]).toMatchObject({
    name: text('3.txt'),
    crc: legacyCrc(crc32c(text('needle 3'))),
    needleBlobCompressed: false,
  });
  expect(needles[3]!.needleBlobCompressed).toBe(true);
});

test('many are deleted in one call, each with its own answer', async () => {
  const { volume, server } = await machine();
  for (let id = 1; id <= 6; id++) await put(volume, id, text(`needle ${id}`));
  await put(volume, 7, text('{"chunks":[]}'), { flags: 0x80 });
  await put(volume, 8, new Uint8Array(0));
  const { results } = await server.unary(method.batchDelete, {
    fileIds: [
      '7,0100000001',
      '7,02000000ff',
      '7,0900000009',
      '7,0700000007',
      '7,0800000008',
      '99,0100000001',
      '7,01',
      'x',
    ],
  });
  expect(results.map(({ fileId, status, error }) => `${fileId} ${status} ${error}`)).toEqual([
    '7,0100000001 202 ',
    '7,02000000ff 400 File Random Cookie does not match.',
    '7,0900000009 404 already deleted',
    '7,0700000007 406 ChunkManifest: not allowed in batch delete mode.',
    '7,0800000008 202 ',
    '99,0100000001 404 volume 99 not found',
    '7,01 400 Invalid fid: 7,01',
    'x 400 Wrong fid format.',
  ]);
  expect(results[0]!.size).toBeGreaterThan(0);
  const unchecked = await server.unary(method.batchDelete, {
    fileIds: ['7,02000000ff', '7,0900000009', '7,0700000007'],
    skipCookieCheck: true,
  });
  expect(unchecked.results.map(({ status }) => status)).toEqual([202, 304, 202]);
  await volume.markReadOnly(true);
  const refused = await server.unary(method.batchDelete, { fileIds: ['7,0300000003'] });
  expect(refused.results).toMatchObject([{ status: 500, error: 'volume 7 is read only' }]);
  expect(`${await readAll(volume, 3)}`).toBe('needle 3');
});

test('more file ids than the limit are refused as a whole', async () => {
  const { volume, server } = await machine({ limits: { fileIdsPerCall: 1 } });
  await put(volume, 1, text('one'));
  await expectFailure(
    server.unary(method.batchDelete, { fileIds: ['7,0100000001', '7,0200000002'] }),
    'invalid-argument',
    '2 file ids; 1 are the limit',
  );
  await readAll(volume, 1);
});
