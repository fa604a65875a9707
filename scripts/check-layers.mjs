// Proves that the table of layers (layers.json), package.json dependencies, tsconfig references and real imports agree.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importProblems } from './lib/import-rules.mjs';
import { manifestProblems, referenceProblems, tableProblems } from './lib/layer-rules.mjs';
import { readJson, readPackages } from './lib/workspace.mjs';

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const table = readJson(join(root, 'scripts/layers.json'));
const rootManifest = readJson(join(root, 'package.json'));
const packages = readPackages(root);

const problems = [
  ...tableProblems(table, packages),
  ...referenceProblems(root, packages),
  ...packages.flatMap((pack) => manifestProblems(pack, table, packages)),
  ...packages.flatMap((pack) => importProblems(root, pack, table, packages, rootManifest)),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`layers: ${problems.length} of the above do not agree`);
  process.exitCode = 1;
} else {
  const files = packages.reduce((sum, pack) => sum + pack.sources.length + pack.tests.length, 0);
  console.log(
    `layers: ${packages.length} packages, ${files} files: table, manifests, references and imports agree`,
  );
}
