// docs/errors.md against the unions of codes in the sources.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';

/** Every exported `…ErrorCode` (and `RpcCode`) of the public packages: name -> its codes. */
function codesOfSources(packages) {
  const unions = new Map();
  for (const pack of packages.filter(({ manifest }) => !manifest.private)) {
    for (const file of pack.sources.filter((path) => /error[^/]*\.ts$/.test(path))) {
      const { program } = parseSync(file, readFileSync(file, 'utf8'));
      for (const { declaration } of program.body.filter(({ type }) => type === 'ExportNamedDeclaration')) {
        if (declaration?.type !== 'TSTypeAliasDeclaration') continue;
        if (!/^(\w+ErrorCode|RpcCode)$/.test(declaration.id.name)) continue;
        const parts = declaration.typeAnnotation.types ?? [declaration.typeAnnotation];
        unions.set(declaration.id.name, new Set(parts.map((part) => part.literal?.value)));
      }
    }
  }
  return unions;
}

/** The page: each heading that names a union, with the codes that begin the rows of the table under it. */
function codesOfPage(text) {
  const unions = new Map();
  for (const section of text.split(/^## /m).slice(1)) {
    const name = /^.*`(\w+)`/.exec(section)?.[1];
    if (name) unions.set(name, new Set([...section.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, code]) => code)));
  }
  return unions;
}

export function errorPageProblems(root, packages) {
  const page = codesOfPage(readFileSync(join(root, 'docs/errors.md'), 'utf8'));
  const sources = codesOfSources(packages);
  const problems = [];
  for (const name of new Set([...page.keys(), ...sources.keys()])) {
    const told = page.get(name);
    const real = sources.get(name);
    if (told === undefined) problems.push(`docs/errors.md: ${name} is missing`);
    else if (real === undefined) problems.push(`docs/errors.md: ${name} is in no public package`);
    else {
      for (const code of real) if (!told.has(code)) problems.push(`docs/errors.md: ${name} lacks ${code}`);
      for (const code of told) if (!real.has(code)) problems.push(`docs/errors.md: ${name} has no ${code}`);
    }
  }
  return problems;
}
