import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '..');

type Manifest = { readonly dependencies?: Readonly<Record<string, string>> };

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The packages that the bundle still imports. */
function importedPackages(): Set<string> {
  const names = new Set<string>();
  for (const file of readdirSync(join(FOLDER, 'bundle'))) {
    const text = readFileSync(join(FOLDER, 'bundle', file), 'utf8');
    for (const [, written, loaded] of text.matchAll(
      /^(?:import|export)\b[^"\n]*"([^"]+)"|\bimport\("([^"]+)"\)/gm,
    )) {
      const specifier = written ?? loaded ?? '';
      if (specifier.startsWith('.') || isBuiltin(specifier)) continue;
      names.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    }
  }
  return names;
}

describe('the bundle', () => {
  it('has Holdfast’s own packages in it, and imports others only as the command depends on them', () => {
    const imported = importedPackages();
    expect(imported.size).toBeGreaterThan(5);
    const { dependencies = {} } = manifestIn(FOLDER);
    const others = Object.keys(dependencies).filter((name) => !name.startsWith('@holdfast/'));
    expect([...imported].sort()).toEqual(others.sort());
  });

  it('depends on the versions that the packages in it depend on', () => {
    const { dependencies = {} } = manifestIn(FOLDER);
    for (const name of Object.keys(dependencies).filter((one) => one.startsWith('@holdfast/'))) {
      const own = manifestIn(join(FOLDER, '..', name.slice('@holdfast/'.length))).dependencies ?? {};
      for (const [other, version] of Object.entries(own))
        expect([other, dependencies[other]]).toEqual([other, version]);
    }
  });
});
