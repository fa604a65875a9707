import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatVolumeName, NeedleFramer } from '@holdfast/format';
import { expect, test } from 'vitest';
import { directory, newMachine, openStore } from '../needles/machine.js';
import { contentOf, expectFailure, method, serveVolumes } from './rig.js';

const FIXTURES = fileURLToPath(new URL('../../../testkit/fixtures/', import.meta.url));
const names = (await readdir(FIXTURES)).filter(
  (name) => /-o[45]$/.test(name) && !/^(bad|recovery|evolution|tools|far)-/.test(name),
);

interface Manifest {
  readonly volumeId: number;
  readonly collection: string;
  readonly version: number;
  readonly compactionRevision: number;
  readonly live: readonly { readonly key: string; readonly storedSha256?: string }[];
  readonly since: readonly {
    readonly since_ns: string;
    readonly length: number;
    readonly sha256: string | null;
  }[];
}

/** Where the real server's search, over an index that is not in the order of time, sends too much or too little. */
const REAL_SERVER_MISLEADS = /^(makeup_diff|makeup_diff_then_ops|nonmonotonic|vacuum_then_append|vacuumed)-/;

/** The files of a fixture on a simulated disk, served. */
async function serveFixture(name: string) {
  const manifest: Manifest = JSON.parse(await readFile(join(FIXTURES, name, 'manifest.json'), 'utf8'));
  const env = newMachine();
  for (const file of await readdir(join(FIXTURES, name))) {
    if (/\.(dat|idx|vif)$/.test(file))
      env.disk.plant(`${directory}/${file}`, await readFile(join(FIXTURES, name, file)));
  }
  const { volumeId, collection } = manifest;
  const base = formatVolumeName({ volumeId, collection });
  const [dat, idx] = await Promise.all(
    ['dat', 'idx'].map((ext) => readFile(join(FIXTURES, name, `${base}.${ext}`))),
  );
  const server = await serveVolumes(await openStore(env), { env, timers: env.time.timers });
  return { manifest, dat: dat!, idx: idx!, server };
}

test('there are fixtures', () => {
  expect(names.length).toBeGreaterThan(30);
});

test.each(names)('%s: the bytes since each recorded time are exactly the newer records', async (name) => {
  const { manifest, dat, server } = await serveFixture(name);
  const { volumeId } = manifest;
  let isAsReal = true;
  for (const { since_ns, sha256 } of manifest.since) {
    const request = { volumeId, sinceNs: BigInt(since_ns) };
    if (manifest.version < 3) {
      const call = server.all(method.volumeIncrementalCopy, request);
      await expectFailure(call, 'failed-precondition', /have no time stamps: copy its files$/);
      continue;
    }
    const content = contentOf(await server.all(method.volumeIncrementalCopy, request));
    expect(content.equals(newerThan(dat, BigInt(since_ns))), since_ns).toBe(true);
    const real = sha256 ?? createHash('sha256').digest('hex');
    isAsReal &&= createHash('sha256').update(content).digest('hex') === real;
  }
  expect(isAsReal).toBe(!REAL_SERVER_MISLEADS.test(name));
});

test.each(names)('%s: statuses and whole files', async (name) => {
  const { manifest, dat, idx, server } = await serveFixture(name);
  const { volumeId, collection } = manifest;
  const status = await server.unary(method.readVolumeFileStatus, { volumeId });
  expect(status).toMatchObject({
    collection,
    compactionRevision: manifest.compactionRevision,
    datFileSize: BigInt(dat.length),
    idxFileSize: BigInt(idx.length),
  });
  expect(await server.unary(method.volumeSyncStatus, { volumeId })).toMatchObject({
    tailOffset: BigInt(dat.length),
    idxFileSize: BigInt(idx.length),
    compactRevision: manifest.compactionRevision,
    version: status.version,
  });
  const stopOffset = (1n << 63n) - 1n;
  for (const [ext, file] of [
    ['.dat', dat],
    ['.idx', idx],
  ] as const) {
    const plain = { volumeId, ext, stopOffset, compactionRevision: manifest.compactionRevision };
    expect(contentOf(await server.all(method.copyFile, plain)).equals(file)).toBe(true);
    const byName = { volumeId, collection, ext, stopOffset, isEcVolume: true };
    expect(contentOf(await server.all(method.copyFile, byName)).equals(file)).toBe(true);
  }
});

test.each(names)('%s: every live needle, and none else', async (name) => {
  const { manifest, server } = await serveFixture(name);
  const needles = await server.all(method.readAllNeedles, { volumeIds: [manifest.volumeId] });
  const expected = new Map(manifest.live.map(({ key, storedSha256 }) => [BigInt(`0x${key}`), storedSha256]));
  expect(new Set(needles.map(({ needleId }) => needleId))).toEqual(new Set(expected.keys()));
  for (const { needleId, needleBlob } of needles) {
    const stored = expected.get(needleId);
    if (stored !== undefined)
      expect(createHash('sha256').update(needleBlob).digest('hex'), `${needleId}`).toBe(stored);
  }
  const scrubbed = await server.unary(method.scrubVolume, { mode: 2 });
  expect(scrubbed).toMatchObject({ totalVolumes: 1n, brokenVolumeIds: [], details: [] });
});

function newerThan(dat: Buffer, sinceNs: bigint): Buffer {
  const framer = new NeedleFramer({ version: 3, startOffset: 8, collect: 'records' });
  const newer = framer.push(dat.subarray(8)).filter(({ appendAtNs }) => appendAtNs > sinceNs);
  return Buffer.concat(newer.map(({ bytes }) => bytes!));
}
