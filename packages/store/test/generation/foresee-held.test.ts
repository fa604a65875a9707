import { beforeEach, expect, test } from 'vitest';
import { foreseeHeld } from '../../src/generation/foresee-held.js';
import { createHeldHome, DAT, DAT_PATH, DIRECTORY, type HeldHome, IDX, MORE, MORE_IDX } from './held-home.js';
import { append, BASE, build, patterned, VOLUME } from './home-kit.js';

/** Longer than what it replaces. */
const NEXT = patterned(5, 300_000);

let env: HeldHome['env'];
let open: HeldHome['open'];

beforeEach(async () => {
  ({ env, open } = await createHeldHome());
});

async function foreseenBytes(disk = env.disk): Promise<number | undefined> {
  const reader = await foreseeHeld({ ...env, disk }, { directory: DIRECTORY, volume: VOLUME });
  await reader?.close();
  return reader?.position.datSizeBytes;
}

test('what is held is foreseen as it is, and nothing is changed', async () => {
  env.disk.forget();
  expect(await foreseenBytes()).toBe(DAT.length);
  expect(env.disk.operations).toEqual([]);
});

test('so it is after a crash at every operation of a build, whatever an opening has to do then', async () => {
  for (let operations = 0, isDone = false; !isDone; operations++) {
    ({ env, open } = await createHeldHome(operations));
    const home = await open();
    env.disk.crashAfter(operations);
    isDone = await build(home, MORE, MORE_IDX, 1).then(
      () => true,
      () => false,
    );
    env.disk.crash('everything');
    // Whether a swap is completed or undone is found out by its recovery.
    const isSwapping = env.disk.files().includes(`${DIRECTORY}/.holdfast/${BASE}/swap`);
    const foreseen = await foreseenBytes();
    const again = await open();
    const held = again.held?.position.datSizeBytes;
    expect(isSwapping ? [held, DAT.length] : [held], `after ${operations} operations`).toContain(foreseen);
    await again.close();
  }
});

test('a follower that swaps another generation in meanwhile has not written as a server would', async () => {
  const home = await open();
  let hasSwapped = false;
  const disk: typeof env.disk = {
    ...env.disk,
    async open(path, options) {
      if (path === DAT_PATH && !hasSwapped) {
        hasSwapped = true;
        await build(home, NEXT, IDX, 1);
      }
      return env.disk.open(path, options);
    },
  };
  expect(await foreseenBytes(disk)).toBe(NEXT.length);
  expect(hasSwapped).toBe(true);
  await append(home.held!, MORE, MORE_IDX);
  expect(await foreseenBytes()).toBe(NEXT.length + MORE.length);
  await home.close();
});
