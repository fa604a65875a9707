import type { StoreEnvironment } from './environment.js';
import { isStoreError, StoreError } from './errors.js';
import { ensureDirectory, readWhole, removeIfThere, replaceFile } from './generation/small-file.js';

/** A directory that this process alone may write to. */
export interface DirectoryLock {
  readonly directory: string;
  /** Reads the token again; fails with `locked` if the lock file is gone or another's. Before every position rename. */
  assertHeld(): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the lock file says of its holder. */
interface LockHolder {
  readonly pid: number;
  readonly hostName: string;
  readonly bootId: string | null;
  readonly processStartTime: string | null;
  readonly token: string;
}

const MAX_LOCK_BYTES = 64 << 10;
const TOKEN_BYTES = 16;

/**
 * Takes DIR for this process: a claimed name, which the system frees however the process ends, and the file
 * `.holdfast/lock` with pid, boot id, process start time and a random token. A dead holder's lock is taken at once; a
 * live one's, and another host's, is refused with `locked` and what to do.
 */
export async function lockDirectory(env: StoreEnvironment, directory: string): Promise<DirectoryLock> {
  const { disk, host } = env;
  const own = `${directory}/.holdfast`;
  const path = `${own}/lock`;
  const stat = await disk.stat(directory);
  if (stat === undefined)
    throw new StoreError('not-found', `there is no directory ${directory}`, { path: directory });
  const releaseName = await host.claimName(`holdfast-${stat.fileKey}`);
  if (releaseName === undefined) throw lockedBy(await readHolder(env, path), directory, path);

  try {
    await ensureDirectory(disk, own);
    const former = await readHolder(env, path);
    if (former !== undefined && (await mayLive(env, former))) throw lockedBy(former, directory, path);
    const token = toHex(env.random.bytes(TOKEN_BYTES));
    const holder: LockHolder = {
      pid: host.pid,
      hostName: host.hostName,
      bootId: (await host.bootId()) ?? null,
      processStartTime: (await host.processStartTime(host.pid)) ?? null,
      token,
    };
    await replaceFile(disk, path, new TextEncoder().encode(`${JSON.stringify(holder)}\n`));
    return createLock(env, directory, path, token, releaseName);
  } catch (error) {
    await releaseName();
    throw error;
  }
}

/** Who works in DIR now, as far as that can be told; `undefined` if nobody does. Takes and changes nothing. */
export async function findLockHolder(
  env: StoreEnvironment,
  directory: string,
): Promise<{ readonly pid: number; readonly hostName: string } | undefined> {
  const holder = await readHolder(env, `${directory}/.holdfast/lock`);
  return holder !== undefined && (await mayLive(env, holder)) ? holder : undefined;
}

function createLock(
  env: StoreEnvironment,
  directory: string,
  path: string,
  token: string,
  releaseName: () => Promise<void>,
): DirectoryLock {
  let isReleased = false;
  async function isHeld(): Promise<boolean> {
    return !isReleased && (await readHolder(env, path))?.token === token;
  }
  async function release(): Promise<void> {
    if (isReleased) return;
    const wasHeld = await isHeld().catch(() => false);
    isReleased = true;
    try {
      if (wasHeld) await removeIfThere(env.disk, path);
    } finally {
      await releaseName();
    }
  }
  return {
    directory,
    async assertHeld() {
      if (await isHeld()) return;
      const message = `the lock on ${directory} was lost: somebody removed or replaced ${path}`;
      throw new StoreError('locked', message, { path, remedy: 'stop' });
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

/**
 * Whether the holder may still be at work. On this host that is known; of another host, and of a container with its
 * own process ids, nothing is.
 */
async function mayLive({ host }: StoreEnvironment, holder: LockHolder): Promise<boolean> {
  if (holder.hostName !== host.hostName) return true;
  const bootId = (await host.bootId()) ?? null;
  if (holder.bootId !== bootId) return false;
  // This very process: the name was free, so an earlier lock of its own was dropped without a release.
  if (holder.pid === host.pid) return false;
  const startTime = await host.processStartTime(holder.pid);
  return startTime !== undefined && startTime === holder.processStartTime;
}

/** `undefined` if there is none, or one that names nobody, as a crash can leave it. */
async function readHolder({ disk }: StoreEnvironment, path: string): Promise<LockHolder | undefined> {
  try {
    const bytes = await readWhole(disk, path, MAX_LOCK_BYTES);
    if (bytes === undefined) return undefined;
    const json = JSON.parse(new TextDecoder().decode(bytes)) as Partial<LockHolder> | null;
    if (typeof json?.hostName !== 'string' || typeof json.pid !== 'number') return undefined;
    const { pid, hostName, bootId = null, processStartTime = null, token = '' } = json;
    return { pid, hostName, bootId, processStartTime, token };
  } catch (error) {
    if (error instanceof SyntaxError || isStoreError(error, 'too-large')) return undefined;
    throw error;
  }
}

function lockedBy(holder: LockHolder | undefined, directory: string, path: string): StoreError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.hostName}`;
  const advice = `if it is certain that it runs no more, remove ${path}`;
  return new StoreError('locked', `${directory} is in use by ${who}; ${advice}`, {
    path,
    found: holder === undefined ? undefined : `${holder.hostName}:${holder.pid}`,
  });
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
