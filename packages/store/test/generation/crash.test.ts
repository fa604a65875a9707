import { type CrashKind, createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import type { VolumeHome } from '../../src/generation/volume-home.js';
import {
  allOf,
  append,
  BASE,
  build,
  chunksOf,
  collect,
  isEqual,
  joined,
  patterned,
  positionOf,
  VOLUME,
  vifOf,
} from './home-kit.js';

const DIRECTORY = '/data';
const OLD = { dat: patterned(1, 70_000), idx: patterned(2, 170) };
const MORE = { dat: patterned(3, 62_000), idx: patterned(4, 51) };
const NEW = { dat: patterned(5, 67_000), idx: patterned(6, 204) };
const ADOPTED = patterned(7, 187);
const CRASHES: readonly CrashKind[] = ['power', 'power', 'nothing', 'everything', 'process'];

interface State {
  readonly name: string;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly revision: number;
}

const BEFORE: State = { name: 'before', ...OLD, revision: 0 };

interface Change {
  readonly name: string;
  readonly after: State;
  run(home: VolumeHome): Promise<void>;
}

const CHANGES: readonly Change[] = [
  {
    name: 'commit',
    after: { name: 'after', dat: joined(OLD.dat, MORE.dat), idx: joined(OLD.idx, MORE.idx), revision: 0 },
    run: (home) => append(home.held!, MORE.dat, MORE.idx),
  },
  {
    name: 'adoptIndex',
    after: { name: 'after', dat: OLD.dat, idx: ADOPTED, revision: 0 },
    run: (home) => home.held!.adoptIndex(chunksOf(ADOPTED), positionOf(OLD.dat.length, ADOPTED.length)),
  },
  {
    name: 'build and swapIn',
    after: { name: 'after', ...NEW, revision: 1 },
    run: async (home) => {
      await build(home, NEW.dat, NEW.idx, 1);
    },
  },
];

async function withOld(seed: number, hasLinks: boolean): Promise<SimulatedEnvironment> {
  const env = createSimulatedEnvironment({ seed, hasLinks });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  await build(home, OLD.dat, OLD.idx);
  await home.close();
  return env;
}

const open = (env: SimulatedEnvironment): Promise<VolumeHome> =>
  openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });

async function isState(home: VolumeHome, state: State): Promise<boolean> {
  const { held } = home;
  return (
    held !== undefined &&
    held.position.revision === state.revision &&
    held.position.datSizeBytes === state.dat.length &&
    isEqual(await allOf(held.dat), state.dat) &&
    isEqual(await allOf(held.idx), state.idx)
  );
}

/** The home is exactly one of the states, in DIR and by its digests, and its history says so. */
async function expectOneOf(
  env: SimulatedEnvironment,
  home: VolumeHome,
  states: readonly State[],
): Promise<State> {
  let found: State | undefined;
  for (const state of states) if (await isState(home, state)) found = state;
  expect(found, `none of ${states.map(({ name }) => name)}`).toBeDefined();
  expect(isEqual(env.disk.peek(`${DIRECTORY}/${BASE}.dat`), found!.dat)).toBe(true);
  expect(isEqual(env.disk.peek(`${DIRECTORY}/${BASE}.idx`), found!.idx)).toBe(true);
  expect(new TextDecoder().decode(env.disk.peek(`${DIRECTORY}/${BASE}.vif`))).toBe(vifOf(found!.revision));
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
  expect(reader.position).toEqual(home.held!.position);
  expect(await collect(reader.checkDigests())).toEqual([]);
  expect((await collect(reader.history())).at(-1)).toMatchObject({
    datSizeBytes: found!.dat.length,
    idxSizeBytes: found!.idx.length,
  });
  await reader.close();
  return found!;
}

/** The first generation is held, or whole among the former ones. */
async function expectOldNotLost(env: SimulatedEnvironment, home: VolumeHome, state: State): Promise<void> {
  if (state.revision === 0) return;
  const [former] = await home.former();
  const reader = await openGenerationReader(env, {
    directory: DIRECTORY,
    volume: VOLUME,
    generation: former!.id,
  });
  expect(isEqual(await allOf(reader.dat), OLD.dat)).toBe(true);
  expect(isEqual(await allOf(reader.idx), OLD.idx)).toBe(true);
  expect(await collect(reader.checkDigests())).toEqual([]);
  await reader.close();
}

async function operationsOf(run: (home: VolumeHome) => Promise<void>, hasLinks: boolean): Promise<number> {
  const env = await withOld(0, hasLinks);
  const home = await open(env);
  env.disk.forget();
  await run(home);
  return env.disk.operations.length;
}

for (const hasLinks of [true, false]) {
  describe(hasLinks ? 'with hard links' : 'without hard links', () => {
    for (const { name, after, run } of CHANGES) {
      test(`a crash at any operation of ${name} leaves the old state or the new one`, async () => {
        const operations = await operationsOf(run, hasLinks);
        expect(operations).toBeGreaterThan(8);
        for (let count = 0; count <= operations; count++) {
          for (const [index, kind] of CRASHES.entries()) {
            const env = await withOld(count * CRASHES.length + index, hasLinks);
            const home = await open(env);
            env.disk.crashAfter(count);
            const isThrough = await run(home).then(
              () => true,
              () => false,
            );
            env.disk.crash(kind);

            const unlocked = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
            expect(await collect(unlocked.checkDigests()), `${kind} after ${count}`).toEqual([]);
            await unlocked.close();

            const reopened = await open(env);
            const state = await expectOneOf(env, reopened, [BEFORE, after]);
            if (isThrough) expect(state).toBe(after);
            expect(reopened.recovery).toMatchObject({ strays: [], notHeld: null });
            await expectOldNotLost(env, reopened, state);
            // What is left of the change must not be in the way of doing it again.
            if (state === BEFORE) await run(reopened);
            await expectOneOf(env, reopened, [after]);
            await reopened.close();
          }
        }
      });

      test(`a crash at any operation of the recovery from ${name} leaves one state or the other`, async () => {
        const operations = await operationsOf(run, hasLinks);
        for (let seed = 0; seed < 3 * operations; seed++) {
          const count = seed % operations;
          const env = await withOld(seed, hasLinks);
          const home = await open(env);
          env.disk.crashAfter(count);
          await run(home).catch(() => {});
          env.disk.crash();
          // Again and again, each time one operation further, until a recovery comes through.
          let reopened: VolumeHome | undefined;
          for (let further = seed % 3; reopened === undefined; further += 3) {
            expect(further, 'no recovery comes through').toBeLessThan(300);
            env.disk.crashAfter(further);
            reopened = await open(env).catch(() => undefined);
            if (reopened === undefined) env.disk.crash();
            else env.disk.crashAfter(Number.POSITIVE_INFINITY);
          }
          const state = await expectOneOf(env, reopened, [BEFORE, after]);
          await expectOldNotLost(env, reopened, state);
          await reopened.close();
        }
      });
    }
  });
}
