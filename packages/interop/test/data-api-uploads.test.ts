import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  NEEDLE_HEADER_SIZE_BYTES,
  type Needle,
  parseNeedle,
  parseNeedleHeader,
  recordLengthBytes,
} from '@holdfast/format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, startTwoServers, type TwoServers } from './data-api/two-servers.js';
import { NEEDLE_ID, PACKED, pathOf, UPLOADS, uploadOf, VARY } from './data-api/uploads.js';

let servers: TwoServers;

beforeAll(async () => {
  servers = await startTwoServers();
});

afterAll(() => servers.stop());

describe('uploads are answered alike', () => {
  test.each(UPLOADS.map((row, i) => [row.what, row, i] as const))('%s', async (_what, row, i) => {
    await servers.expectSame(uploadOf(row, i), row.differs);
  });
});

describe('what was uploaded is read alike', () => {
  test.each(UPLOADS.map((row, i) => [row.what, row, i] as const))('%s', async (_what, row, i) => {
    if (row.storesOther !== undefined) return;
    const isPacked = row.differs === PACKED;
    const isGzip = isPacked || row.what === 'gzip' || row.what === 'gzip in a form';
    const differs = { ...(isGzip ? VARY : {}), ...(isPacked ? { etag: PACKED.etag } : {}) };
    await servers.expectSame({ method: 'GET', path: pathOf(i) }, differs);
    const asked = { method: 'GET', path: pathOf(i), headers: { 'accept-encoding': 'gzip' } };
    const [theirs, ours] = [await ask(servers.weed.httpAddress, asked), await ask(servers.ownAddress, asked)];
    const isSameLength = ours.headers['content-length'] === theirs.headers['content-length'];
    const length = isSameLength ? {} : { 'content-length': 'gzip by another library' };
    await servers.expectSame(asked, { ...differs, ...length });
    // A real server leaves out the type in HEAD where only the bytes tell it, and the length of what is not there.
    const head = await ask(servers.ownAddress, { ...asked, method: 'HEAD' });
    expect({ ...head, headers: { ...head.headers, date: '' }, body: ours.body }).toEqual({
      ...ours,
      headers: { ...ours.headers, date: '' },
    });
  });
});

test('records are the same, but for their stamps and for gzip of another library', async () => {
  const theirs = recordsOf(await servers.weed.readFile(1, '.dat'));
  const ours = recordsOf(await readFile(join(servers.directory, '1.dat')));
  const other = UPLOADS.flatMap(({ storesOther }, i) =>
    storesOther === undefined ? [] : [BigInt(NEEDLE_ID + i)],
  );
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  for (const [needleId, record] of ours)
    if (!other.includes(needleId)) expect(record).toEqual(theirs.get(needleId));
  expect(ours.size).toBeGreaterThan(40);
});

function recordsOf(dat: Uint8Array): Map<bigint, unknown> {
  const records = new Map<bigint, unknown>();
  for (let at = 8; at < dat.length; ) {
    const { sizeBytes } = parseNeedleHeader(dat.subarray(at, at + NEEDLE_HEADER_SIZE_BYTES));
    const end = at + recordLengthBytes(3, sizeBytes);
    const needle = parseNeedle(dat.subarray(at, end), 3);
    records.set(needle.needleId, comparable(needle));
    at = end;
  }
  return records;
}

function comparable({ appendAtNs: _stamp, data, ...needle }: Needle) {
  const isGzip = needle.isCompressed && data[0] === 0x1f;
  const { crc: _crc, storedCrc: _stored, sizeBytes: _size, dataSizeBytes: _dataSize, ...rest } = needle;
  return { ...(isGzip ? rest : needle), data: isGzip ? gunzipSync(data) : Buffer.from(data) };
}
