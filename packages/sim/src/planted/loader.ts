import type { LoadHook } from 'node:module';
import type { MutatedModule } from './mutated-modules.js';

/** Module hooks of a process with a planted bug: the modules that have it come from memory, all others from the disk. */
let sources: ReadonlyMap<string, string> = new Map();

export function initialize(modules: readonly MutatedModule[]): void {
  sources = new Map(modules.map(({ url, source }) => [url, source]));
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const source = sources.get(url);
  return source === undefined
    ? await nextLoad(url, context)
    : { format: 'module', source, shortCircuit: true };
};
