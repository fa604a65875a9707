import type { RandomAccess } from '@holdfast/index';
import {
  listKeptGenerations,
  openGenerationReader,
  type StoreEnvironment,
  type VolumeHome,
} from '@holdfast/store';
import type { SimulatedDisk } from '@holdfast/testkit';
import { Violation } from '../../../oracles/violation.js';
import type { Dice } from '../../../schedule/dice.js';
import { expectSame } from '../hunt.js';
import {
  DIRECTORY,
  idxOf,
  joined,
  type ModelGeneration,
  type ModelHome,
  VOLUME,
  withIds,
} from './home-model.js';

type Machine = StoreEnvironment & { readonly disk: SimulatedDisk };

const DAT = `${DIRECTORY}/7.dat`;
const IDX = `${DIRECTORY}/7.idx`;

/**
 * Holds an open home to one of two states: the one before a change that was cut short, and the one after it. Gives the
 * one that it is in. Every file, digest, line of history and former generation is looked at.
 */
export async function judgeHome(
  env: Machine,
  home: VolumeHome,
  states: readonly [before: ModelHome, after: ModelHome],
  dice: Dice,
): Promise<ModelHome> {
  const { held, recovery } = home;
  const files = held && { dat: await readAll(held.dat), idx: await readAll(held.idx) };
  const likely = states.findLast(({ current }) => isGeneration(current, files));
  if (likely === undefined)
    throw new Violation(
      'the last good generation',
      states.map(({ current }) => describe(current && { ...current, idx: idxOf(current) })).join(' or '),
      describe(files),
    );
  const state = withIds(likely, home);
  expectSame('whose bytes they are', 'strays', recovery.strays, []);
  const { current } = state;
  if (current !== undefined) await judgeCurrent(env, current, dice);
  const isHeld = await isHeldNow(env, current?.id);
  const mayBeHeld = states.map((each) => each.current?.isHeld ?? false);
  if (!mayBeHeld.includes(isHeld))
    expectSame('retention', 'whether the present is held', isHeld, mayBeHeld[1]);
  const former = await judgeFormer(env, home, states, current?.id);
  return {
    current: current && { ...current, isHeld },
    former,
    build: await judgeBuild(home, states),
    begun: states[1].begun,
  };
}

async function isHeldNow(env: Machine, id: number | undefined): Promise<boolean> {
  const kept = await listKeptGenerations(env, { directory: DIRECTORY, volume: VOLUME });
  return (kept.find((each) => each.id === id)?.heldFor ?? null) !== null;
}

interface Files {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

function isGeneration(model: ModelGeneration | undefined, files: Files | undefined): boolean {
  if (model === undefined || files === undefined) return model === files;
  return Buffer.compare(model.dat, files.dat) === 0 && Buffer.compare(idxOf(model), files.idx) === 0;
}

function describe(files: Files | undefined): string {
  return files === undefined ? 'nothing' : `${files.dat.length} + ${files.idx.length} bytes`;
}

async function readAll(access: RandomAccess): Promise<Uint8Array> {
  return await access.readAt(0, await access.sizeBytes());
}

async function judgeCurrent(env: Machine, generation: ModelGeneration, dice: Dice): Promise<void> {
  expectBytes('prefix safety', 'the .dat', env.disk.peek(DAT), generation.dat);
  expectBytes('prefix safety', 'the .idx', env.disk.peek(IDX), idxOf(generation));
  await judgeReadable(env, generation, dice);
}

/** What a reader finds: bytes as their digests say, every commit in the history, and each state as it was. */
async function judgeReadable(env: Machine, generation: ModelGeneration, dice: Dice): Promise<void> {
  const { id, dat, commits } = generation;
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME, generation: id });
  try {
    expectBytes('identity', `the .dat of generation ${id}`, await reader.dat.readAt(0, dat.length + 1), dat);
    for await (const { file, offset, reason } of reader.checkDigests())
      throw new Violation(
        'digests',
        `generation ${id} as it was committed`,
        `${file} at ${offset}: ${reason}`,
      );
    const lines: unknown[] = [];
    for await (const line of reader.history())
      if (line.heldFor === null) lines.push([line.datSizeBytes, line.idxSizeBytes, line.indexSerial]);
    const expected = commits.map((commit) => [commit.datSizeBytes, commit.idxSizeBytes, commit.serial]);
    expectSame('history', `the commits of generation ${id}`, lines, expected);
    const { datSizeBytes, idxSizeBytes, serial } = dice.oneOf(commits);
    const state = await reader.openState({ datSizeBytes, idxSizeBytes, indexSerial: serial });
    const idx = generation.indexes[serial]!.subarray(0, idxSizeBytes);
    expectBytes(
      'history',
      'the .dat of a former state',
      await collect(state.dat.checked()),
      dat.subarray(0, datSizeBytes),
    );
    expectBytes('history', 'the .idx of a former state', await collect(state.idx.checked()), idx);
    await state.close();
  } finally {
    await reader.close();
  }
}

/** Former generations: all that both states have, and none that neither has. */
async function judgeFormer(
  env: Machine,
  home: VolumeHome,
  states: readonly ModelHome[],
  currentId: number | undefined,
): Promise<readonly ModelGeneration[]> {
  const found = new Map((await home.former()).map((former) => [former.id, former]));
  const kept: ModelGeneration[] = [];
  for (const id of new Set(states.flatMap(({ former }) => former.map((each) => each.id)))) {
    const expected = states.map(({ former }) => former.find((each) => each.id === id));
    const former = found.get(id);
    if (former === undefined) {
      // It may still be, or be again, the current one.
      if (id !== currentId && expected.every((each) => each !== undefined))
        throw new Violation('retention', `former generation ${id} to be kept`, 'it is gone');
      continue;
    }
    const model = expected.findLast((each) => each !== undefined)!;
    expectSame('retention', `when generation ${id} was replaced`, former.replacedAtMs, model.replacedAtMs);
    const mayBeHeld = expected.map((each) => each?.isHeld ?? model.isHeld);
    const isHeld = former.heldFor !== null;
    if (!mayBeHeld.includes(isHeld))
      expectSame('retention', `whether generation ${id} is held`, isHeld, model.isHeld);
    const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME, generation: id });
    expectBytes(
      'retention',
      `the .dat of generation ${id}`,
      await reader.dat.readAt(0, model.dat.length),
      model.dat,
    );
    await reader.close();
    kept.push({ ...model, isHeld });
    found.delete(id);
  }
  expectSame('retention', 'former generations that nobody made', [...found.keys()], []);
  return kept;
}

/** A build that was made durable goes on from there; of one that was cut short there is a beginning, or nothing. */
async function judgeBuild(
  { unfinished }: VolumeHome,
  [before, after]: readonly [ModelHome, ModelHome],
): Promise<ModelHome['build']> {
  const built = (await unfinished?.dat.readAt(0, unfinished.builtBytes)) ?? new Uint8Array(0);
  const isTold = before === after && after.build?.isTold === true;
  if (isTold && after.build !== undefined) expectBytes('durable first', 'a build', built, after.build.dat);
  const isBeginning = after.begun.some(
    (begun) => Buffer.compare(begun.subarray(0, built.length), built) === 0,
  );
  if (built.length > 0 && !isBeginning)
    throw new Violation('prefix safety', 'the beginning of a build', `${built.length} bytes of none`);
  return unfinished && { id: unfinished.id, dat: built, isTold };
}

export function expectBytes(rule: string, what: string, found: Uint8Array, expected: Uint8Array): void {
  const at = expected.findIndex((byte, i) => byte !== found[i]);
  if (at >= 0)
    throw new Violation(rule, `${what}: its own bytes`, `others from ${at} of ${expected.length} on`);
  if (found.length !== expected.length)
    throw new Violation(rule, `${what}: ${expected.length} bytes`, `${found.length}`);
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return joined(...parts);
}
