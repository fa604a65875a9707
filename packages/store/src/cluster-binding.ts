import type { StoreEnvironment } from './environment.js';
import { isStoreError, StoreError } from './errors.js';
import { ensureDirectory, exists, readWhole, replaceFile } from './generation/small-file.js';

const MAX_BINDING_BYTES = 64 << 10;

/** Written by every volume server into its directories. */
const SERVED_MARK = 'vol_dir.uuid';

/**
 * Fails with `directory-served` if a volume server has run in DIR: somebody's writes may be in its files, which
 * following would replace.
 */
export async function assertNotServed(env: StoreEnvironment, directory: string): Promise<void> {
  const path = `${directory}/${SERVED_MARK}`;
  if (!(await exists(env.disk, path))) return;
  const advice =
    'follow into another directory, or take this one over: its files become a source, none are lost';
  throw new StoreError('directory-served', `a volume server has run in ${directory}; ${advice}`, { path });
}

/** The cluster that DIR belongs to; `undefined` if it is bound to none. `position-damaged` if it cannot be read. */
export async function readClusterBinding(
  env: StoreEnvironment,
  directory: string,
): Promise<string | undefined> {
  const path = bindingPath(directory);
  try {
    const bytes = await readWhole(env.disk, path, MAX_BINDING_BYTES);
    if (bytes === undefined) return undefined;
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof json === 'object' && json !== null && 'cluster' in json && typeof json.cluster === 'string') {
      return json.cluster;
    }
    throw damaged(path);
  } catch (cause) {
    if (cause instanceof SyntaxError || isStoreError(cause, 'too-large')) throw damaged(path, cause);
    throw cause;
  }
}

/** Whether DIR is bound to `cluster`; false where it is bound to none. Bound to another one: `wrong-cluster`. */
export async function isBoundTo(env: StoreEnvironment, directory: string, cluster: string): Promise<boolean> {
  const bound = await readClusterBinding(env, directory);
  if (bound === cluster || bound === undefined) return bound !== undefined;
  const message = `${directory} follows cluster ${bound}, not ${cluster}: use another directory`;
  const path = bindingPath(directory);
  throw new StoreError('wrong-cluster', message, { path, expected: bound, found: cluster });
}

/**
 * Binds DIR to one cluster, durably, the first time; from then on fails with `wrong-cluster` for any other. `cluster`
 * is what tells clusters apart for the caller. Under the directory's lock.
 */
export async function bindCluster(env: StoreEnvironment, directory: string, cluster: string): Promise<void> {
  if (await isBoundTo(env, directory, cluster)) return;
  await ensureDirectory(env.disk, `${directory}/.holdfast`);
  await replaceFile(
    env.disk,
    bindingPath(directory),
    new TextEncoder().encode(`${JSON.stringify({ cluster })}\n`),
  );
}

function bindingPath(directory: string): string {
  return `${directory}/.holdfast/cluster.json`;
}

function damaged(path: string, cause?: unknown): StoreError {
  return new StoreError('position-damaged', `${path} cannot be read: remove it to bind the directory anew`, {
    path,
    remedy: 'stop',
    cause,
  });
}
