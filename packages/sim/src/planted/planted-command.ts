import { parseArgs } from 'node:util';
import type { HuntName } from './hunts/hunts.js';
import type { PlantedBug } from './planted-bug.js';
import { PLANTED_BUGS } from './planted-bugs.js';
import { type HuntedBug, huntUnplanted, runPlanted } from './run-planted.js';

export const PLANTED_USAGE = `npm run sim -- --planted [flags]

  --bug NAME           only this one; may be given several times
  --seed S             the first seed of every hunt (1)
  --seconds N          how long a bug is looked for (60)
  --control N          schedules of each hunt over the code as it is, which have to find nothing (20)
  --list               print the bugs and what they break
  --json               print the results as one line of JSON, last`;

/** Hunts the planted bugs and prints what found them. The exit code: 0 if every one was found, and nothing without one. */
export async function plantedCommand(
  args: readonly string[],
  print: (line: string) => void,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      bug: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '60' },
      control: { type: 'string', default: '20' },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const bugs = bugsNamed(values.bug);
  if (values.list) {
    for (const { name, breaks, mistake } of bugs) print(`${name.padEnd(44)} ${breaks}  ${mistake}`);
    return 0;
  }
  const seed = wholeNumber('seed', values.seed);
  const startedAtMs = performance.now();
  const isSilent = await judgeUnplanted(bugs, seed, wholeNumber('control', values.control), print);
  const hunted = await runPlanted({
    bugs,
    seed,
    secondsMax: wholeNumber('seconds', values.seconds),
    onHunted: (result) => print(describe(result)),
  });
  const found = hunted.filter(({ isFound }) => isFound).length;
  if (values.json) print(JSON.stringify(figuresOf(hunted, seed, (performance.now() - startedAtMs) / 1000)));
  print(`${found} of ${bugs.length} planted bugs found`);
  return isSilent && found === bugs.length ? 0 : 1;
}

function bugsNamed(names: readonly string[]): readonly PlantedBug[] {
  const unknown = names.filter((name) => !PLANTED_BUGS.some((bug) => bug.name === name));
  if (unknown.length > 0) throw new RangeError(`no planted bug is called ${unknown.join(', ')}: see --list`);
  return names.length === 0 ? PLANTED_BUGS : PLANTED_BUGS.filter(({ name }) => names.includes(name));
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number) || number < 0)
    throw new RangeError(`--${name} takes a whole number that is not negative, not ${text}`);
  return number;
}

/** An oracle that cries without a bug would find every one. */
async function judgeUnplanted(
  bugs: readonly PlantedBug[],
  seed: number,
  schedules: number,
  print: (line: string) => void,
): Promise<boolean> {
  let isSilent = true;
  for (const hunt of new Set(bugs.flatMap(({ hunts }): readonly HuntName[] => hunts))) {
    if (schedules === 0) continue;
    const result = await huntUnplanted([hunt], seed, schedules);
    isSilent &&= !result.isFound;
    const verdict = result.isFound ? `${result.oracle}: ${result.message}` : 'nothing found';
    print(`no bug, ${hunt}: ${verdict} in ${result.schedules} schedules`);
  }
  return isSilent;
}

function describe(hunted: HuntedBug): string {
  const { bug, schedules, seconds, isFound } = hunted;
  const name = bug.name.padEnd(44);
  const effort = `${schedules} schedules (${seconds.toFixed(1)} s)`;
  return isFound ? `${name}  found after ${effort} by ${hunted.oracle}` : `${name}  NOT FOUND in ${effort}`;
}

function figuresOf(hunted: readonly HuntedBug[], seed: number, wallSeconds: number) {
  const bugs = hunted.map(({ bug, ...result }) => ({
    name: bug.name,
    breaks: bug.breaks,
    mistake: bug.mistake,
    schedules: result.schedules,
    seconds: result.seconds,
    oracle: result.isFound ? result.oracle : null,
  }));
  return { seed, wallSeconds, bugs };
}
