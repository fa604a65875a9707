import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { crashScenarios } from './scenarios/index.js';
import { type CrashFigures, tryCrashes } from './try-crashes.js';

const USAGE = `usage: npm run crash-points -- [--scenario TEXT] [--seed S] [--second N] [--json FILE]
scenarios: ${crashScenarios.map(({ name }) => name).join('; ')}`;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    second: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const chosen = crashScenarios.filter(({ name }) => name.includes(values.scenario));
const [seed, secondCrashes] = [Number(values.seed), Number(values.second)];
if (chosen.length === 0 || !Number.isSafeInteger(seed) || !Number.isSafeInteger(secondCrashes)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await run();
}

async function run(): Promise<void> {
  const all: CrashFigures[] = [];
  console.log('operations  crashes  second crashes (of)  seconds  scenario');
  for (const scenario of chosen) {
    const figures = await tryCrashes(scenario, { seed, secondCrashes });
    all.push(figures);
    console.log(
      `${`${figures.operations}`.padStart(10)}${`${figures.crashes}`.padStart(9)}${`${figures.secondCrashes} (${figures.secondCrashPoints})`.padStart(21)}${figures.seconds.toFixed(1).padStart(9)}  ${figures.scenario}`,
    );
  }
  const sum = (of: (figures: CrashFigures) => number): number =>
    all.reduce((total, figures) => total + of(figures), 0);
  const crashes = sum((figures) => figures.crashes);
  const seconds = sum((figures) => figures.secondCrashes);
  console.log(
    `${crashes} crashes at ${sum((figures) => figures.operations)} operations in ${all[0]!.variants} variants, ${seconds} of them again in the recovery: every promise kept`,
  );
  if (values.json === undefined) return;
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ seed, scenarios: all }, null, 2)}\n`);
}
