import { availableParallelism } from 'node:os';
import { type HuntResult, huntBug } from './hunt-bug.js';
import type { HuntName } from './hunts/hunts.js';
import { mutateModules } from './mutated-modules.js';
import type { PlantedBug } from './planted-bug.js';

export interface PlantedOptions {
  readonly bugs: readonly PlantedBug[];
  readonly seed: number;
  readonly secondsMax: number;
  /** Told of each bug as soon as its hunt is over. */
  readonly onHunted: (hunted: HuntedBug) => void;
}

export type HuntedBug = { readonly bug: PlantedBug } & HuntResult;

/** The folder of all packages, from where this is compiled to. */
const PACKAGES_URL = new URL('../../../', import.meta.url);
/** One for each of at most so many processors. */
const PROCESSES_MAX = 8;

/** Hunts each bug, several at a time; gives the results in the order of the bugs. */
export async function runPlanted(options: PlantedOptions): Promise<readonly HuntedBug[]> {
  const { bugs, seed, secondsMax, onHunted } = options;
  const results: HuntedBug[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < bugs.length; i = next++) {
      const bug = bugs[i]!;
      const modules = await mutateModules(bug, PACKAGES_URL);
      const order = { modules, hunts: bug.hunts, seed, secondsMax, schedulesMax: Number.MAX_SAFE_INTEGER };
      results[i] = { bug, ...(await huntBug(order)) };
      onHunted(results[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PROCESSES_MAX, availableParallelism()) }, work));
  return results;
}

/** The same hunts over the code as it is: what they find here is no bug of ours. */
export async function huntUnplanted(
  hunts: readonly HuntName[],
  seed: number,
  schedulesMax: number,
): Promise<HuntResult> {
  return await huntBug({ modules: [], hunts, seed, schedulesMax, secondsMax: Number.MAX_SAFE_INTEGER });
}
