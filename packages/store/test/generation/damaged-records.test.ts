import { beforeEach, describe, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { createHeldHome, DAT, DIRECTORY, type HeldHome, HOME_PATH, MORE, MORE_IDX } from './held-home.js';
import { allOf, append, changed, collect, isEqual, joined, VOLUME } from './home-kit.js';

let env: HeldHome['env'];
let open: HeldHome['open'];

beforeEach(async () => {
  ({ env, open } = await createHeldHome());
});

describe('damaged records', () => {
  const files = ['current', '1/position.json', 'swap', 'append', '1/history', '1/dat.digests'];
  test.each(files)(
    'any byte of %s changed or missing: no crash, nothing lost, nothing wrong believed',
    async (name) => {
      const path = `${HOME_PATH}/${name}`;
      const whole = env.disk.files().includes(path)
        ? env.disk.peek(path)
        : new TextEncoder().encode('{"generation":1}');
      const step = Math.max(1, Math.floor(whole.length / 60));
      for (let at = 0; at < whole.length; at += step) {
        for (const bytes of [changed(whole, at), whole.subarray(0, at), joined(whole, whole)]) {
          env.disk.plant(path, bytes);
          const home = await open();
          const dat = home.held?.dat ?? home.foreign?.dat;
          expect(isEqual(await allOf(dat!), DAT)).toBe(true);
          await home.close();
          env.disk.plant(path, whole);
          if (name === 'swap' || name === 'append') await env.disk.remove(path);
        }
      }
    },
  );

  test('a position of a newer Holdfast is refused, not replaced', async () => {
    const path = `${HOME_PATH}/1/position.json`;
    const text = new TextDecoder().decode(env.disk.peek(path)).replace('"format":1', '"format":2');
    env.disk.plant(path, new TextEncoder().encode(text));
    await expect(open()).rejects.toMatchObject({ code: 'unsupported-version' });
  });

  test('a lost line of history is made again out of the position', async () => {
    const home = await open();
    await append(home.held!, MORE, MORE_IDX);
    const expected = { datSizeBytes: DAT.length + MORE.length, atMs: env.clock.nowMs() };
    await home.close();
    const path = `${HOME_PATH}/1/history`;
    const whole = env.disk.peek(path);
    for (const cut of [1, 5, 40]) {
      env.disk.plant(path, whole.subarray(0, whole.length - cut));
      await env.time.advance(1000);
      await (await open()).close();
      const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
      const lines = await collect(reader.history());
      expect(lines).toHaveLength(2);
      expect(lines[1]).toMatchObject(expected);
      await reader.close();
    }
  });
});

test('a position of a form that there never was is not believed', async () => {
  const path = `${HOME_PATH}/1/position.json`;
  const text = new TextDecoder().decode(env.disk.peek(path));
  env.disk.plant(path, new TextEncoder().encode(text.replace('"format":1', '"format":0')));
  const home = await open();
  expect(home.recovery.notHeld).toBe('position-damaged');
  await home.close();
});
