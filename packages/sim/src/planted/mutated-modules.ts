import { readFile } from 'node:fs/promises';
import { transformWithOxc } from 'vite';
import type { PlantedBug, PlantedEdit } from './planted-bug.js';

/** A compiled module with a bug in it, for the loader: what takes the place of the module at `url`. */
export interface MutatedModule {
  readonly url: string;
  readonly source: string;
}

/** The source with the edits made. Throws where one does not apply to exactly one place: the code has moved on. */
export function plantEdits(source: string, edits: readonly PlantedEdit[], name: string): string {
  let mutated = source;
  for (const { file, from, to } of edits) {
    const places = mutated.split(from).length - 1;
    if (places !== 1)
      throw new Error(
        `the planted bug ${name} is stale: ${file} has ${places} places that read ${JSON.stringify(from)}`,
      );
    mutated = mutated.replace(from, () => to);
  }
  return mutated;
}

/** The modules of a bug, made from the packages' sources. `packagesUrl` is the folder of all packages. */
export async function mutateModules(bug: PlantedBug, packagesUrl: URL): Promise<readonly MutatedModule[]> {
  const modules: MutatedModule[] = [];
  for (const [file, edits] of byFile(bug.edits)) {
    const sourceUrl = new URL(file, packagesUrl);
    const mutated = plantEdits(await readFile(sourceUrl, 'utf8'), edits, bug.name);
    const { code } = await transformWithOxc(mutated, sourceUrl.pathname, { sourcemap: false });
    const compiled = file.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
    modules.push({ url: new URL(compiled, packagesUrl).href, source: code });
  }
  return modules;
}

function byFile(edits: readonly PlantedEdit[]): ReadonlyMap<string, readonly PlantedEdit[]> {
  const files = new Map<string, PlantedEdit[]>();
  for (const edit of edits) files.set(edit.file, [...(files.get(edit.file) ?? []), edit]);
  return files;
}
