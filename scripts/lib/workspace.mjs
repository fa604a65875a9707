// The packages of a workspace as they lie on disk.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Every package of the workspace: manifest, build references and files by kind, sorted by name. */
export function readPackages(root) {
  return packageFolders(root)
    .map((folder) => readPackage(root, folder))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every folder of `packages/` and `examples/` that has a package.json. */
export function packageFolders(root) {
  return ['packages', 'examples']
    .map((name) => join(root, name))
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
    .filter((folder) => existsSync(join(folder, 'package.json')));
}

function readPackage(root, folder) {
  const manifest = readJson(join(folder, 'package.json'));
  const config = readJson(join(folder, 'tsconfig.json'));
  return {
    name: manifest.name,
    folder,
    path: relative(root, folder),
    manifest,
    references: (config.references ?? []).map(({ path }) => join(folder, path)),
    sources: filesUnder(join(folder, 'src')),
    tests: [
      ...filesUnder(join(folder, 'test')),
      ...filesUnder(join(folder, 'bench')),
      ...filesUnder(folder, { recursive: false }),
    ],
  };
}

/** TypeScript and JavaScript modules under a folder, sorted; fixtures and what is generated or built are not looked into. */
function filesUnder(folder, { recursive = true } = {}) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return recursive && entry.name !== 'fixtures' ? filesUnder(path) : [];
      return /\.(ts|mts|cts|js|mjs)$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

/** The names of a manifest's dependencies, all of them or those in the named fields. */
export function dependencyNames(
  manifest,
  fields = ['dependencies', 'peerDependencies', 'optionalDependencies'],
) {
  return fields.flatMap((field) => Object.keys(manifest[field] ?? {}));
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
