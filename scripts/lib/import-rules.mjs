// What the files of a package import, against its manifest, the table and one another.
import { existsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { allowedImports } from './layer-rules.mjs';
import { importsOf } from './source-imports.mjs';
import { dependencyNames } from './workspace.mjs';

/**
 * The problems of one package's files: undeclared or forbidden packages, unknown subpaths, adapters where only ports
 * belong, paths out of the package, cycles of files, and declared workspace packages that nothing imports.
 */
export function importProblems(root, pack, table, packages, rootManifest) {
  const row = table[pack.name] ?? {};
  const context = {
    root,
    pack,
    allowed: allowedImports(table, pack.name),
    // What composes the parts may take the adapters of `./node`; tests, other adapters and whole packages of them may as well.
    takesAdapters: Boolean(row.private || row.adapter) || row.mayImport === 'all',
    byName: new Map(packages.map((other) => [other.name, other])),
    runtime: new Set(dependencyNames(pack.manifest)),
    atTest: new Set([
      ...dependencyNames(pack.manifest),
      ...dependencyNames(pack.manifest, ['devDependencies']),
      ...dependencyNames(rootManifest, ['devDependencies']),
    ]),
    used: new Set(),
  };
  const problems = [];
  const edges = new Map();
  for (const [files, isTest] of [
    [pack.sources, false],
    [pack.tests, true],
  ]) {
    for (const file of files) {
      const found = importsOf(file);
      for (const one of found) {
        const problem = problemOf(context, file, one.specifier, isTest);
        if (problem) problems.push(`${relative(root, file)}:${one.line}: ${problem}`);
      }
      if (!isTest) edges.set(file, found.map(({ specifier }) => sourceAt(file, specifier)).filter(Boolean));
    }
  }
  for (const name of context.runtime) {
    if (context.byName.has(name) && !context.used.has(name)) {
      problems.push(`${pack.path}/package.json: depends on ${name}, which none of its files imports`);
    }
  }
  return [...problems, ...cycleProblems(root, edges)];
}

function problemOf(context, file, specifier, isTest) {
  if (specifier === null) return 'imports what is not a plain string: no check can follow it';
  if (specifier.startsWith('.')) return relativeProblem(context.pack, file, specifier, isTest);
  if (isBuiltin(specifier)) return undefined;
  return packageProblem(context, file, specifier, isTest);
}

function relativeProblem(pack, file, specifier, isTest) {
  const target = join(dirname(file), specifier);
  const inside = relative(pack.folder, target);
  if (inside.startsWith('..')) {
    return inside === join('..', '..', 'vitest.shared.ts')
      ? undefined
      : `imports ${specifier}, which lies outside of its package`;
  }
  if (isTest) return undefined;
  if (!inside.startsWith(`src${sep}`)) return `imports ${specifier}, which is not under src/`;
  if (sourceAt(file, specifier) === undefined) return `imports ${specifier}, which does not exist`;
  if (isAdapter(pack, target) && !isAdapter(pack, file)) {
    return `imports ${specifier}: an adapter of src/node/ is only reached through the subpath ./node`;
  }
  return undefined;
}

function packageProblem(context, file, specifier, isTest) {
  const { pack, allowed, takesAdapters, byName, runtime, atTest, used } = context;
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const subpath = `.${specifier.slice(name.length)}`;
  used.add(name);
  const other = byName.get(name);
  if (other !== undefined && !(subpath in (other.manifest.exports ?? {})))
    return `imports ${specifier}: ${name} has no subpath ${subpath}`;
  if (name === pack.name) return isTest ? undefined : `imports its own package by name`;
  if (isTest) return atTest.has(name) ? undefined : `imports ${name}, which is no dependency of ${pack.name}`;
  if (other !== undefined && !allowed.has(name))
    return `imports ${name}, which the table of layers does not allow`;
  if (!(pack.manifest.private ? atTest : runtime).has(name))
    return `imports ${name}, which is no dependency of ${pack.name}`;
  if (other !== undefined && subpath === './node' && !takesAdapters && !isAdapter(pack, file)) {
    return `imports ${specifier}: libraries take ports, only what composes them takes adapters`;
  }
  return undefined;
}

function isAdapter(pack, path) {
  return relative(pack.folder, path).startsWith(join('src', 'node') + sep);
}

/** The TypeScript file that a relative specifier names, or undefined. */
function sourceAt(file, specifier) {
  if (!specifier?.startsWith('.') || !specifier.endsWith('.js')) return undefined;
  const path = join(dirname(file), specifier.replace(/\.js$/, '.ts'));
  return existsSync(path) ? path : undefined;
}

/** Each cycle of files once, as a readable path. */
function cycleProblems(root, edges) {
  const problems = [];
  const state = new Map();
  const path = [];
  const visit = (file) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      const cycle = [...path.slice(path.indexOf(file)), file].map((one) => relative(root, one));
      problems.push(`${cycle[0]}: imports itself in a circle: ${cycle.join(' -> ')}`);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of edges.keys()) visit(file);
  return problems;
}
