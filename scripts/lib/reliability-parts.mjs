// The machinery whose figures docs/reliability.md shows: how each part is run, and where it says what it found.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Sizes of a run: `full` takes about twenty minutes on two cores, `short` a few. */
export const SIZES = {
  full: { schedules: 10_000, liveness: 2_000, second: 100, inputs: 300_000, bugSeconds: 300, kills: 50 },
  short: { schedules: 300, liveness: 60, second: 5, inputs: 5_000, bugSeconds: 20, kills: 5 },
};

/**
 * `{name, title, command, env, read}`: `command` is run at the root, with `env` beside its own, and writes JSON to
 * standard output or to `json`; `read` makes of it `{problems, figures}`, what did not hold and the counts by name.
 */
export function reliabilityParts(size, folder) {
  const json = (name) => join(folder, `${name}.json`);
  const sim = ['node', 'packages/sim/dist/main.js'];
  const vitest = ['node', 'node_modules/vitest/vitest.mjs', 'run'];
  return [
    {
      name: 'safety',
      title: 'schedules with faults throughout',
      command: [...sim, '--schedules', size.schedules, '--no-keep', '--json'],
      read: readSchedules,
    },
    {
      name: 'liveness',
      title: 'schedules whose faults stop',
      command: [...sim, '--mode', 'liveness', '--schedules', size.liveness, '--no-keep', '--json'],
      read: readSchedules,
    },
    {
      name: 'crash-points',
      title: 'crashes before and after every operation of a disk',
      command: [
        'node',
        'packages/sim/dist/crash-points/main.js',
        '--second',
        size.second,
        '--json',
        json('crash-points'),
      ],
      json: json('crash-points'),
      read: readCrashPoints,
    },
    {
      name: 'fuzz',
      title: 'hostile bytes',
      command: [
        'node',
        'packages/fuzz/dist/main.js',
        '--inputs',
        size.inputs,
        '--workers',
        2,
        '--json',
        json('fuzz'),
      ],
      json: json('fuzz'),
      read: readFuzz,
    },
    {
      name: 'bit-flips',
      title: 'every bit of a generation of 64 KiB flipped',
      command: ['node', 'packages/fuzz/dist/main.js', '--bit-flips', '--json', json('bit-flips')],
      json: json('bit-flips'),
      read: readBitFlips,
    },
    {
      name: 'planted',
      title: 'planted bugs',
      command: [...sim, '--planted', '--seconds', size.bugSeconds, '--json'],
      read: readPlanted,
    },
    {
      name: 'kills',
      title: 'SIGKILL of the command line and of a real SeaweedFS under it',
      command: [
        ...vitest,
        '--root',
        'packages/interop',
        'test/killed-runs.test.ts',
        'test/killed-leader.test.ts',
      ],
      env: {
        HOLDFAST_KILLS: `${size.kills}`,
        HOLDFAST_LEADER_KILLS: `${size.kills}`,
        npm_lifecycle_event: 'reliability',
      },
      // Where vitest.shared.ts puts it.
      json: join(folder, '../../packages/interop/.cache/reliability-report.json'),
      read: readKills,
    },
    {
      name: 'coverage',
      title: 'branches of format, index, store and follower that tests reach',
      command: [...vitest, '--config', 'vitest.coverage.ts', '--coverage'],
      json: join(folder, '../coverage/coverage-summary.json'),
      read: readCoverage,
    },
    {
      name: 'weed-backup',
      title: 'the same lives through `weed backup`',
      command: ['node', 'packages/interop/dist/main.js'],
      read: readComparison,
    },
  ];
}

/** Why a part cannot be run here; `undefined` where it can. */
export function missingOf(root, { command }) {
  const program = command[1];
  return existsSync(join(root, program)) ? undefined : `there is no ${program}`;
}

/** What a part has written: its file, or the JSON that its output ends with. */
export function resultOf({ json }, output) {
  if (json !== undefined) return JSON.parse(readFileSync(json, 'utf8'));
  const lines = output.trimEnd().split('\n');
  const last = lines.findLast((line) => line.startsWith('{') && line.endsWith('}') && line.length > 1);
  return JSON.parse(last ?? output);
}

function readSchedules({ seed, figures, failures }) {
  return { seed, problems: failures.map(({ seed: failed, rule }) => `seed ${failed}: ${rule}`), figures };
}

function readCrashPoints({ seed, scenarios }) {
  const sum = (name) => scenarios.reduce((total, scenario) => total + scenario[name], 0);
  const [crashes, secondCrashes] = [sum('crashes'), sum('secondCrashes')];
  const figures = {
    scenarios: scenarios.length,
    operations: sum('operations'),
    variants: scenarios[0].variants,
    crashes,
    secondCrashes,
  };
  // It ends with the first promise that was not kept: what it has written, held.
  return { seed, problems: [], figures };
}

function readFuzz({ seed, targets }) {
  const inputs = targets.reduce((total, target) => total + target.inputs, 0);
  const problems = targets.flatMap(({ target, failures }) =>
    failures.map(({ number, problem }) => `${target}, input ${number}: ${problem}`),
  );
  return { seed, problems, figures: { inputs, targets: targets.length } };
}

function readBitFlips({ flips, openings }) {
  // It ends with the first bit that is not found.
  return { problems: [], figures: { flips, openings } };
}

function readPlanted({ seed, bugs }) {
  const missed = bugs.filter(({ oracle }) => oracle === null);
  return {
    seed,
    problems: missed.map(({ name }) => `${name} was not found`),
    figures: { planted: bugs.length, found: bugs.length - missed.length },
    bugs,
  };
}

/** The title of each of these tests has the number of kills first. */
function readKills({ testResults }) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const kills = tests
    .filter(({ status }) => status === 'passed')
    .reduce((total, { title }) => total + Number(/\d+/.exec(title)[0]), 0);
  const failed = tests.filter(({ status }) => status !== 'passed');
  return { problems: failed.map(({ title, status }) => `${title}: ${status}`), figures: { kills } };
}

function readCoverage({ total: { branches } }) {
  return {
    problems: [],
    figures: { branches: branches.total, reached: branches.covered, percent: branches.pct },
  };
}

function readComparison({ weed, lives }) {
  const outcomes = lives.map(({ life, weedBackup, holdfastBackup }) => ({
    life,
    weedBackup: weedBackup.found,
    saidSuccessWrongly: weedBackup.saidSuccessWrongly,
    holdfastBackup: holdfastBackup.found,
  }));
  const unequal = outcomes.filter(({ holdfastBackup }) => holdfastBackup.join() !== 'equal');
  return {
    problems: unequal.map(({ life, holdfastBackup }) => `${life}: ${holdfastBackup.join(', ')}`),
    figures: { lives: lives.length },
    weed,
    lives: outcomes,
  };
}
