import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import { directory, openStore } from '../needles/machine.js';
import { bytesOf, rigOf } from './rig.js';

const FIXTURES = fileURLToPath(new URL('../../../testkit/fixtures/', import.meta.url));

interface LiveNeedle {
  readonly key: string;
  readonly cookie: string;
  readonly size: number;
  readonly sha256: string;
  readonly isCompressed: boolean;
  readonly storedSha256: string;
  /** A manifest of chunks was read back as it is. */
  readonly sent: { readonly cm: boolean };
  readonly readBack: {
    readonly status: number;
    readonly matches: boolean;
    readonly headers: Readonly<Record<string, string>>;
  };
}

interface Manifest {
  readonly volumeId: number;
  readonly live: readonly LiveNeedle[];
  readonly deleted: readonly { readonly key: string; readonly cookie: string }[];
  readonly files: Readonly<Record<string, unknown>>;
}

/** What the server or the connection says beside. */
const OF_THE_SERVER = new Set(['server', 'connection', 'date', 'keep-alive', 'x-amz-request-id']);
/** Said by Holdfast only: the same needle may be sent packed. */
const OWN = new Set(['vary']);

const names = await readdir(FIXTURES);
const volumes = names.filter(
  (name) => !/^(?:README|bad-|evolution-|recovery-|far-offsets|tools-)/.test(name),
);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Type by extension is the table of the machine where the fixture was made. */
const isOfTheTable = (name: string) => name === 'content-type';

describe.each(volumes)('%s', (name) => {
  test('is served as the real server served it', async () => {
    const folder = join(FIXTURES, name);
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    const env = createSimulatedEnvironment({ seed: 1 });
    for (const file of Object.keys(manifest.files))
      env.disk.plant(`${directory}/${file}`, new Uint8Array(await readFile(join(folder, file))));
    const store = await openStore(env);
    const { ask } = rigOf(env, store);
    for (const needle of manifest.live) {
      const path = `/${manifest.volumeId},${needle.key}${needle.cookie}${needle.sent.cm ? '?cm=false' : ''}`;
      const got = await ask(path);
      if (needle.readBack.status !== 200 || !needle.readBack.matches) continue;
      const bytes = await bytesOf(got);
      expect([path, got.status, bytes.length, sha256(bytes)]).toEqual([
        path,
        200,
        needle.size,
        needle.sha256,
      ]);
      const said = Object.entries(needle.readBack.headers).filter(([field]) => !OF_THE_SERVER.has(field));
      for (const [field, value] of said) {
        if (isOfTheTable(field)) continue;
        expect([path, field, got.headers.get(field)]).toEqual([path, field, value]);
      }
      const known = new Set(said.map(([field]) => field));
      expect([...got.headers.keys()].filter((field) => !known.has(field) && !OWN.has(field))).toEqual([]);
      if (needle.isCompressed) {
        const packed = await bytesOf(await ask(path, { headers: { 'accept-encoding': 'gzip' } }));
        expect(sha256(packed)).toBe(needle.storedSha256);
        expect(sha256(gunzipSync(packed))).toBe(needle.sha256);
      }
    }
    for (const { key, cookie } of manifest.deleted)
      expect((await ask(`/${manifest.volumeId},${key}${cookie}`)).status).toBe(404);
    await store.close();
  });
});
