// Writes .github/workflows/ out of the list of packages: one workflow a package and one for everything.
// With --check it changes nothing and fails if what lies there is not what it would write.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf } from './lib/source-imports.mjs';
import { dependencyNames, readPackages } from './lib/workspace.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.github/workflows');
const nodeVersions = ['20.19', '22', '24'];

const header = '# Written by scripts/generate-workflows.mjs (npm run generate); do not edit.\n';

const setUp = `      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: \${{ matrix.node }}
          cache: npm
      - uses: actions/setup-python@v5
        with:
          python-version: '3.12'
`;

function job(name, timeoutMinutes, steps) {
  return `permissions:
  contents: read

concurrency:
  group: \${{ github.workflow }}-\${{ github.ref }}
  cancel-in-progress: true

jobs:
  ${name}:
    runs-on: ubuntu-latest
    timeout-minutes: ${timeoutMinutes}
    strategy:
      fail-fast: false
      matrix:
        node: [${nodeVersions.map((version) => `'${version}'`).join(', ')}]
    steps:
${setUp}${steps}`;
}

function triggers(paths) {
  const filter = paths ? `\n    paths:\n${paths.map((path) => `      - '${path}'`).join('\n')}` : '';
  return `on:
  push:
    branches: [main]${filter}
  pull_request:${filter}
`;
}

/**
 * A package's workflow runs it and all that depends on it. Turbo knows the dependents of sources; those whose tests
 * alone import it (the testkit) are named one by one.
 */
function packageWorkflow(pack, packages) {
  const paths = [`${pack.path}/**`, `.github/workflows/${workflowName(pack)}.yml`];
  if (pack.name === '@holdfast/protocol') paths.splice(1, 0, 'proto/**');
  const dependents = packages.filter(
    (other) =>
      other !== pack &&
      !dependencyNames(other.manifest).includes(pack.name) &&
      other.tests.some((file) => importsOf(file).some(({ specifier }) => isOf(specifier, pack.name))),
  );
  const filters = [`...${pack.name}`, ...dependents.map(({ name }) => name)].map(
    (name) => `--filter=${name}`,
  );
  return `${header}name: ${workflowName(pack)}
${triggers(paths)}
${job(
  'package',
  45,
  `      - run: npm ci
      - run: npx turbo run build lint test ${filters.join(' ')}
        env:
          TURBO_TELEMETRY_DISABLED: '1'
`,
)}`;
}

/** An example may be called as a package is. */
function workflowName({ path, folder }) {
  return path.startsWith('examples/') ? `example-${basename(folder)}` : basename(folder);
}

function isOf(specifier, name) {
  return specifier === name || specifier?.startsWith(`${name}/`);
}

const everything = `${header}name: all
${triggers()}
${job('all', 90, '      - run: .ci/run\n')}`;

const packages = readPackages(root);
const wanted = new Map([
  ['all.yml', everything],
  ...packages.map((pack) => [`${workflowName(pack)}.yml`, packageWorkflow(pack, packages)]),
]);
mkdirSync(folder, { recursive: true });
const present = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
const stale = [...new Set([...wanted.keys(), ...present.keys()])]
  .filter((name) => wanted.get(name) !== present.get(name))
  .sort();

if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(
      `.github/workflows is not what the packages give: ${stale.join(', ')}. Run: npm run generate`,
    );
    process.exitCode = 1;
  } else {
    console.log(`workflows: ${wanted.size} are what the packages give`);
  }
} else {
  for (const name of stale) {
    if (wanted.has(name)) writeFileSync(join(folder, name), wanted.get(name));
    else rmSync(join(folder, name));
  }
  console.log(`workflows: ${stale.length} of ${wanted.size} written anew`);
}
