// `npm run reliability`: runs the machinery and writes docs/reliability.md and the figures that it is made of. `--short` for
// a first look, `--only PART` for one part (the others keep the figures that they have), `--check` to see that the page is
// what its figures make.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reliabilityPage } from './lib/reliability-page.mjs';
import { missingOf, reliabilityParts, resultOf, SIZES } from './lib/reliability-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const pagePath = join(root, 'docs/reliability.md');
const figuresPath = join(root, 'docs/reliability.json');
const OUTPUT_BYTES_MAX = 1 << 26;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    check: { type: 'boolean', default: false },
  },
});
if (values.check) check();
else process.exitCode = run(values.short ? SIZES.short : SIZES.full, values.only);

function check() {
  if (readFileSync(pagePath, 'utf8') === reliabilityPage(JSON.parse(readFileSync(figuresPath, 'utf8')))) {
    console.log('reliability: the page is what its figures make');
    return;
  }
  console.error(
    'docs/reliability.md is not what docs/reliability.json makes: npm run reliability writes both',
  );
  process.exitCode = 1;
}

function run(size, only) {
  const folder = join(root, '.cache/reliability');
  mkdirSync(folder, { recursive: true });
  const all = reliabilityParts(size, folder);
  const unknown = only.filter((name) => !all.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(
      `no part is called ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`,
    );
    return 2;
  }
  const former = existsSync(figuresPath) ? JSON.parse(readFileSync(figuresPath, 'utf8')).parts : {};
  const parts = {};
  for (const part of all) {
    const isWanted = only.length === 0 || only.includes(part.name);
    parts[part.name] = isWanted
      ? runPart(part)
      : (former[part.name] ?? notRun(part.title, part.name, 'it was not asked for'));
  }
  const seconds = Object.values(parts).reduce((sum, part) => sum + (part.seconds ?? 0), 0);
  const figures = { machine: machineName(), seconds, parts };
  writeFileSync(figuresPath, `${JSON.stringify(figures, null, 2)}\n`);
  writeFileSync(pagePath, reliabilityPage(figures));
  const isGood = Object.values(parts).every(({ problems }) => problems.length === 0);
  console.log(
    `reliability: ${isGood ? 'everything that ran held' : 'something did not hold'}; see docs/reliability.md`,
  );
  return isGood ? 0 : 1;
}

/** A part that could not be run, or whose output says nothing, was not run: that is no pass. */
function runPart(part) {
  const { name, title, command, env, read } = part;
  const missing = missingOf(root, part);
  if (missing !== undefined) return notRun(title, name, missing);
  console.log(`reliability: ${name}: ${command.join(' ')}`);
  if (part.json !== undefined) rmSync(part.json, { force: true });
  const startedAt = performance.now();
  const { stdout, status } = spawnSync(command[0], command.slice(1).map(String), {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seconds = (performance.now() - startedAt) / 1000;
  try {
    const result = read(resultOf(part, stdout));
    const problems =
      status === 0 || result.problems.length > 0 ? result.problems : [`it ended with ${status}`];
    return { title, status: 'run', commit: commitName(), seconds, ...result, problems };
  } catch (error) {
    return notRun(title, name, error.message);
  }
}

function notRun(title, name, why) {
  console.log(`reliability: ${name} was not run: ${why}`);
  return { title, status: 'not run', problems: [], figures: {} };
}

function commitName() {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--', 'packages', 'proto', 'scripts') !== '';
  return `${git('rev-parse', '--short=12', 'HEAD')}${isChanged ? ' with changes' : ''}`;
}

function machineName() {
  return `${cpus().length} cores, Node ${process.versions.node}`;
}
