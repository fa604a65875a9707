// The table of layers against itself, the manifests and the build references.
import { join } from 'node:path';
import { dependencyNames, readJson } from './workspace.mjs';

/** The table's own soundness: every package in it, imports going down only, nothing public above something private. */
export function tableProblems(table, packages) {
  const problems = [];
  const names = new Set(packages.map(({ name }) => name));
  for (const name of names) {
    if (!(name in table)) problems.push(`scripts/layers.json: ${name} is not in the table`);
  }
  for (const [name, row] of Object.entries(table)) {
    if (!names.has(name))
      problems.push(`scripts/layers.json: ${name} is in the table but not under packages/ or examples/`);
    if (row.private || row.mayImport === 'all') continue;
    for (const lower of row.mayImport) {
      const layer = table[lower]?.layer;
      if (layer === undefined)
        problems.push(`scripts/layers.json: ${name} may import ${lower}, which has no layer`);
      else if (layer >= row.layer) {
        problems.push(
          `scripts/layers.json: ${name} (layer ${row.layer}) may import ${lower} (layer ${layer}): not below it`,
        );
      }
    }
  }
  return problems;
}

/** Which workspace packages a package may import, by the table. */
export function allowedImports(table, name) {
  const row = table[name] ?? { mayImport: [] };
  const others = Object.keys(table).filter((other) => other !== name);
  if (row.mayImport === 'all') return new Set(others.filter((other) => !table[other].private));
  if (row.private) return new Set(others);
  return new Set(row.mayImport);
}

/** One package's manifest against the table: dependencies, their versions, the mark `private`. */
export function manifestProblems(pack, table, packages) {
  const problems = [];
  const at = `${pack.path}/package.json`;
  const row = table[pack.name] ?? {};
  const allowed = allowedImports(table, pack.name);
  const byName = new Map(packages.map((other) => [other.name, other]));
  if (Boolean(row.private) !== Boolean(pack.manifest.private)) {
    problems.push(
      `${at}: private is ${Boolean(pack.manifest.private)}, the table says ${Boolean(row.private)}`,
    );
  }
  for (const name of dependencyNames(pack.manifest)) {
    const other = byName.get(name);
    if (other === undefined) {
      const free = row.private || row.libraries === 'all';
      if (!free && !row.libraries?.includes(name))
        problems.push(`${at}: depends on ${name}, which the table does not allow`);
      continue;
    }
    if (!allowed.has(name)) problems.push(`${at}: depends on ${name}, which the table does not allow`);
    const wanted = pack.manifest.dependencies?.[name];
    if (wanted !== other.manifest.version) {
      problems.push(`${at}: wants ${name} ${wanted}, the workspace has ${other.manifest.version}`);
    }
  }
  return problems;
}

/** Build references are the workspace dependencies, neither more nor fewer; the root builds every package. */
export function referenceProblems(root, packages) {
  const problems = [];
  const byFolder = new Map(packages.map((pack) => [pack.folder, pack]));
  const rootReferences = (readJson(join(root, 'tsconfig.json')).references ?? []).map(({ path }) =>
    join(root, path),
  );
  for (const pack of packages) {
    const at = `${pack.path}/tsconfig.json`;
    const referenced = new Set(pack.references.map((folder) => byFolder.get(folder)?.name ?? folder));
    const names = new Set(packages.map(({ name }) => name));
    const depended = new Set(dependencyNames(pack.manifest).filter((name) => names.has(name)));
    for (const name of depended) {
      if (!referenced.has(name))
        problems.push(`${at}: no reference to ${name}, which package.json depends on`);
    }
    for (const name of referenced) {
      if (!depended.has(name))
        problems.push(`${at}: references ${name}, which package.json does not depend on`);
    }
    if (!rootReferences.includes(pack.folder)) problems.push(`tsconfig.json: no reference to ${pack.path}`);
  }
  return problems;
}
