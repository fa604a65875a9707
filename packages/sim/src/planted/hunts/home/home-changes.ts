import type { VolumeHome } from '@holdfast/store';
import type { Dice } from '../../../schedule/dice.js';
import {
  idxOf,
  joined,
  type ModelHome,
  oneAfterAnother,
  positionOf,
  someBytes,
  someRows,
  targetOf,
  UNKNOWN_ID,
  withCommit,
} from './home-model.js';

/** A change of a home, and what the home has to be once it is through. */
export interface HomeChange {
  readonly after: ModelHome;
  apply(home: VolumeHome): Promise<void>;
}

export function randomChange(model: ModelHome, dice: Dice, nowMs: number): HomeChange {
  if (model.current === undefined) return swapIn(model, dice, nowMs);
  const make = dice.pick([
    [8, append],
    [2, adoptIndex],
    [6, swapIn],
    [2, buildPart],
    [1, holdPresent],
    [4, prune],
  ] as const);
  return make(model, dice, nowMs);
}

function append(model: ModelHome, dice: Dice): HomeChange {
  const current = model.current!;
  const parts = Array.from({ length: 1 + dice.below(3) }, () => someBytes(dice));
  const rows = someRows(dice);
  const garbage = dice.chance(0.3) ? someBytes(dice) : undefined;
  const dat = joined(current.dat, ...parts);
  const idx = joined(idxOf(current), rows);
  const indexes = [...current.indexes.slice(0, -1), idx];
  return {
    after: { ...model, current: withCommit(current, dat, indexes) },
    async apply({ held }) {
      await held!.beginAppend();
      if (garbage !== undefined) {
        await held!.write(garbage);
        await held!.rollback();
      }
      for (const part of parts) await held!.write(part);
      // What comes behind the committed end of a step is cut.
      if (garbage !== undefined) await held!.write(garbage);
      await held!.commit(rows, positionOf(dat, idx, current.commits.length));
    },
  };
}

function adoptIndex(model: ModelHome, dice: Dice): HomeChange {
  const current = model.current!;
  const idx = joined(someRows(dice), someRows(dice), dice.bytes(17));
  return {
    after: { ...model, current: withCommit(current, current.dat, [...current.indexes, idx]) },
    apply: ({ held }) =>
      held!.adoptIndex(oneAfterAnother(idx), positionOf(current.dat, idx, current.commits.length)),
  };
}

function swapIn(model: ModelHome, dice: Dice, nowMs: number): HomeChange {
  const [dat, idx] = [joined(Uint8Array.of(3), someBytes(dice)), someRows(dice)];
  const tail = dice.chance(0.3) ? someBytes(dice) : new Uint8Array(0);
  const built = joined(dat, tail);
  const commit = { datSizeBytes: dat.length, idxSizeBytes: idx.length, serial: 0 };
  const current = {
    id: UNKNOWN_ID,
    dat,
    indexes: [idx],
    commits: [commit],
    isHeld: false,
    replacedAtMs: undefined,
  };
  const former = model.current === undefined ? [] : [{ ...model.current, replacedAtMs: nowMs }];
  return {
    after: {
      current,
      former: [...former, ...model.former],
      build: undefined,
      begun: [...model.begun, built],
    },
    async apply(home) {
      const build = await home.beginBuild(targetOf(built, idx));
      await build.writeIndex(oneAfterAnother(idx));
      await build.write(built);
      await build.commitTo(built.length);
      await build.swapIn(positionOf(dat, idx, 0), '{}');
    },
  };
}

/** A build that gets so far and no further. */
function buildPart(model: ModelHome, dice: Dice): HomeChange {
  const dat = someBytes(dice);
  const idx = someRows(dice);
  const rest = someBytes(dice);
  return {
    after: { ...model, build: { id: UNKNOWN_ID, dat, isTold: true }, begun: [...model.begun, dat] },
    async apply(home) {
      const build = await home.beginBuild(targetOf(joined(dat, rest), idx));
      await build.writeIndex(oneAfterAnother(idx));
      await build.write(dat);
      await build.commitTo(dat.length);
      await build.write(rest);
    },
  };
}

function holdPresent(model: ModelHome): HomeChange {
  return {
    after: { ...model, current: { ...model.current!, isHeld: true } },
    apply: (home) => home.holdPresent('loss-guard'),
  };
}

function prune(model: ModelHome, dice: Dice, nowMs: number): HomeChange {
  const keepForMs = dice.oneOf([0, 5_000, 1_000_000]);
  const keepGenerations = dice.below(3);
  const byAge = [...model.former].sort((a, b) => b.replacedAtMs! - a.replacedAtMs! || b.id - a.id);
  const former = byAge.filter(
    ({ isHeld, replacedAtMs }, rank) => isHeld || nowMs - replacedAtMs! < keepForMs || rank < keepGenerations,
  );
  return {
    after: { ...model, former },
    async apply(home) {
      await home.prune({ keepForMs, keepGenerations }, nowMs);
    },
  };
}
