import { createFailingDisk } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { compactVolume } from '../src/compact.js';
import { fixIndex } from '../src/fix.js';
import { inspectNeedles, inspectVolume } from '../src/inspect.js';
import { verifyFiles } from '../src/verify.js';
import { openVolume } from '../src/volume/open-volume.js';
import type { Volume } from '../src/volume/volume.js';
import { copyFixture, snapshot } from './support/fixtures.js';
import { collect, env as nodeEnv } from './support/needles.js';

const disk = createFailingDisk(nodeEnv.disk);
const env = { ...nodeEnv, disk };
/** Where there are more calls, so many of them are tried, spread evenly. */
const CALLS_TRIED_MAX = 40;

interface Where {
  readonly directory: string;
  readonly name: string;
  readonly assumedOffsetWidthBytes: 4 | 5;
}

/** What `read` finds in the opened volume. */
async function inVolume(where: Where, read: (volume: Volume) => Promise<unknown>): Promise<unknown> {
  const volume = await openVolume(env, { ...where, mode: 'read' });
  try {
    return await read(volume);
  } finally {
    await volume.close();
  }
}

const readings: readonly { readonly name: string; run(where: Where): Promise<unknown> }[] = [
  { name: 'verify', run: (where) => collect(verifyFiles(env, where)) },
  { name: 'inspect', run: (where) => inVolume(where, (volume) => inspectVolume(volume)) },
  {
    name: 'every needle',
    run: (where) => inVolume(where, (volume) => collect(inspectNeedles(env, volume))),
  },
];

const changes: typeof readings = [
  { name: 'fix', run: (where) => fixIndex(env, where) },
  { name: 'compact', run: (where) => compactVolume(env, where) },
  {
    name: 'opened for writing',
    run: async (where) => await (await openVolume(env, { ...where, mode: 'write' })).close(),
  },
];

const fixtures = [
  'mixed-o5',
  'version2-o5',
  'bad-flip-data-o5',
  'bad-torn-header-o5',
  'bad-torn-tail-not-indexed-o5',
  'bad-vif-garbage-o5',
  'bad-idx-odd-size-plus5-o4',
];

function located(fixture: string): Where {
  const { directory, name, manifest } = copyFixture(fixture);
  return { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
}

/** What a run gives, or the code of its error. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  return await run().catch((error: { code?: unknown }) => ({ failed: error.code ?? error }));
}

/** The `.dat`, but for its revision: a compaction whose end could not be told is made once more. */
function contentOf({ directory, name }: Where): string {
  const dat = snapshot(directory)[`${name}.dat`]!;
  return dat.slice(0, 4) + dat.slice(6);
}

async function forEachCall(run: () => Promise<unknown>, check: (call: number) => Promise<void>) {
  disk.failAt(undefined);
  await outcome(run);
  const step = Math.max(1, Math.ceil(disk.calls / CALLS_TRIED_MAX));
  for (let call = 0, last = disk.calls; call < last; call += step) await check(call);
  disk.failAt(undefined);
}

describe('a disk that fails at any one call is told as that, and never as damage', () => {
  for (const fixture of fixtures)
    for (const { name, run } of readings)
      it(`${name}, ${fixture}`, async () => {
        const where = located(fixture);
        disk.failAt(undefined);
        const expected = await outcome(() => run(where));
        await forEachCall(
          () => run(where),
          async (call) => {
            disk.failAt(call);
            const found = await outcome(() => run(where));
            expect([expected, { failed: 'disk-failed' }], `call ${call}`).toContainEqual(found);
          },
        );
      });
});

describe('a disk that fails at any one call of a change: a second try ends as the first one would have', () => {
  const OUTLIVED = ['mixed-o5', 'bad-torn-header-o5', 'bad-torn-tail-not-indexed-o5'];
  for (const fixture of OUTLIVED)
    for (const { name, run } of changes)
      it(`${name}, ${fixture}`, async () => {
        const sound = located(fixture);
        disk.failAt(undefined);
        await outcome(() => run(sound));
        const expected = contentOf(sound);
        await forEachCall(
          () => run(located(fixture)),
          async (call) => {
            const where = located(fixture);
            disk.failAt(call);
            const found = await outcome(() => run(where));
            disk.failAt(undefined);
            if (typeof found === 'object' && found !== null && 'failed' in found) {
              expect(found, `call ${call}`).toEqual({ failed: 'disk-failed' });
              await outcome(() => run(where));
            }
            expect(contentOf(where) === expected, `call ${call}`).toBe(true);
          },
        );
      });
});
