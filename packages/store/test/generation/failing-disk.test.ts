import { createFailingDisk, createSimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { detachVolume } from '../../src/generation/detach-volume.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import { removeVolume } from '../../src/generation/remove-volume.js';
import {
  allOf,
  append,
  BASE,
  build,
  chunksOf,
  isEqual,
  joined,
  patterned,
  targetOf,
  VOLUME,
} from './home-kit.js';

const WHERE = { directory: '/data', volume: VOLUME };
const DAT = patterned(1, 100_000);
const IDX = patterned(2, 170);
const MORE = patterned(3, 70_000);
const HOME_PATH = `/data/.holdfast/${BASE}`;

/** Two generations, an unfinished one, and bytes of an append that was never committed, on a disk of which any call can fail. */
async function lived() {
  const simulated = createSimulatedEnvironment({ seed: 1 });
  const disk = createFailingDisk(simulated.disk);
  const env = { ...simulated, disk };
  disk.plant('/data/other', new Uint8Array(0));
  const home = await openVolumeHome(env, WHERE);
  await build(home, MORE, IDX);
  await build(home, DAT, IDX, 1);
  await append(home.held!, MORE, IDX);
  const begun = await home.beginBuild(targetOf(MORE.length, IDX.length, 2));
  await begun.writeIndex(chunksOf(IDX));
  await begun.write(MORE);
  await begun.commitTo(50_000);
  await home.held!.beginAppend();
  await home.held!.write(MORE);
  await home.held!.pending.readAt(0, 1);
  disk.crash('process');
  // As a copy of the whole directory has it: everything has to be read to be known.
  disk.touch(`/data/${BASE}.dat`);
  return { env, disk };
}

type Lived = Awaited<ReturnType<typeof lived>>;

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error);

/** Every call of `run` fails once, each on a disk of its own. */
async function atEachCall(
  run: (life: Lived) => Promise<unknown>,
  check: (life: Lived, failed: unknown, call: number) => Promise<void>,
): Promise<void> {
  const whole = await lived();
  whole.disk.failAt(undefined);
  await run(whole);
  const { calls } = whole.disk;
  expect(calls).toBeGreaterThan(10);
  for (let call = 0; call < calls; call++) {
    const life = await lived();
    life.disk.failAt(call);
    const failed = await run(life).then(() => undefined, codeOf);
    life.disk.failAt(undefined);
    await check(life, failed, call);
  }
}

describe('a disk that fails at any one call', () => {
  it('of an opening, and of reading what it opened: told, and the next opening has all', async () => {
    await atEachCall(
      async ({ env }) => {
        const home = await openVolumeHome(env, WHERE);
        try {
          for await (const files of home.pool()) {
            await allOf(files.dat);
            await files.close();
          }
        } finally {
          await home.close();
        }
      },
      async ({ env }, failed, call) => {
        expect([undefined, 'disk-failed'], `call ${call}`).toContain(failed);
        const home = await openVolumeHome(env, WHERE);
        expect(isEqual(await allOf(home.held!.dat), joined(DAT, MORE)), `call ${call}`).toBe(true);
        expect(await home.former()).toHaveLength(1);
        await home.close();
      },
    );
  });

  it('of a detaching: told, and made again it is done', async () => {
    const detach = ({ env }: Lived) => detachVolume(env, { ...WHERE, assertLocked: async () => {} });
    await atEachCall(detach, async (life, failed, call) => {
      expect([undefined, 'disk-failed'], `call ${call}`).toContain(failed);
      await detach(life);
      const home = await openVolumeHome(life.env, WHERE);
      expect(home.held).toBeUndefined();
      expect(isEqual((await allOf(home.foreign!.dat)).subarray(0, DAT.length), DAT)).toBe(true);
      await home.close();
    });
  });

  it('of a removal: told, and made again nothing is left', async () => {
    const remove = (life: Lived) => {
      life.disk.plant(`${HOME_PATH}/notes/.keep`, new Uint8Array(0));
      return removeVolume(life.env, { ...WHERE, assertLocked: async () => {} });
    };
    const withoutNotes = ({ env }: Lived) => removeVolume(env, { ...WHERE, assertLocked: async () => {} });
    await expect(lived().then(remove)).rejects.toMatchObject({ code: 'exists' });
    await atEachCall(withoutNotes, async (life, failed, call) => {
      expect([undefined, 'disk-failed'], `call ${call}`).toContain(failed);
      expect(await withoutNotes(life)).toBe('removed');
      expect(life.disk.files()).toEqual(['/data/other']);
    });
  });
});
