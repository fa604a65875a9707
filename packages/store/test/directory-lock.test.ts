import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findLockHolder, lockDirectory } from '../src/directory-lock.js';
import type { StoreEnvironment } from '../src/environment.js';
import { temporaryDirectory } from './support/fixtures.js';
import { env } from './support/needles.js';

const built = fileURLToPath(new URL('../node_modules/.lock-holder/', import.meta.url));

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] },
    ssr: {
      noExternal: [/^@holdfast\//],
      resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] },
    },
    build: {
      ssr: fileURLToPath(new URL('./support/lock-holder.ts', import.meta.url)),
      outDir: built,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'lock-holder.mjs' } },
    },
  });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Starts another process that locks `directory`; gives it and what it says. */
async function startHolder(directory: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [`${built}lock-holder.mjs`, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [chunk] = await once(child.stdout!, 'data');
  return { child, said: String(chunk).trim() };
}

describe('lockDirectory', () => {
  it('lets one of two processes work, by any name of the directory', async () => {
    const directory = temporaryDirectory();
    const { said } = await startHolder(directory);
    expect(said).toBe('locked');
    await expect(lockDirectory(env, directory)).rejects.toMatchObject({ code: 'locked', remedy: 'retry' });
    const alias = `${temporaryDirectory()}/alias`;
    symlinkSync(directory, alias);
    await expect(lockDirectory(env, alias)).rejects.toMatchObject({ code: 'locked' });
    await expect(lockDirectory(env, `${directory}/./`)).rejects.toMatchObject({ code: 'locked' });
  });

  it('takes the lock of a process that was killed, at once', async () => {
    const directory = temporaryDirectory();
    const { child } = await startHolder(directory);
    const { pid } = JSON.parse(readFileSync(`${directory}/.holdfast/lock`, 'utf8'));
    expect(pid).toBe(child.pid);
    expect(await findLockHolder(env, directory)).toMatchObject({ pid });
    await kill(child);
    expect(existsSync(`${directory}/.holdfast/lock`)).toBe(true);
    expect(await findLockHolder(env, directory)).toBeUndefined();
    const lock = await lockDirectory(env, directory);
    await lock.assertHeld();
    await lock.release();
  });

  it('is free after a release, which may be asked for twice', async () => {
    const directory = temporaryDirectory();
    const { child } = await startHolder(directory);
    const gone = once(child, 'exit');
    child.stdin!.end();
    await gone;
    expect(existsSync(`${directory}/.holdfast/lock`)).toBe(false);
    const lock = await lockDirectory(env, directory);
    await expect(lockDirectory(env, directory)).rejects.toMatchObject({ code: 'locked' });
    await lock.release();
    await lock.release();
    await (await lockDirectory(env, directory)).release();
  });

  it('refuses what another host has locked, with advice, and leaves its file', async () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/.holdfast`);
    const foreign = JSON.stringify({
      pid: 1,
      hostName: 'elsewhere',
      bootId: 'b',
      processStartTime: '1',
      token: 't',
    });
    writeFileSync(`${directory}/.holdfast/lock`, foreign);
    await expect(lockDirectory(env, directory)).rejects.toThrow(/process 1 on elsewhere.*remove .*lock/);
    expect(readFileSync(`${directory}/.holdfast/lock`, 'utf8')).toBe(foreign);
    rmSync(`${directory}/.holdfast/lock`);
    await (await lockDirectory(env, directory)).release();
  });

  it('goes by boot, process and its start where the claimed name says nothing', async () => {
    // As in another network namespace of this machine: every name is free.
    const blind: StoreEnvironment = {
      ...env,
      host: { ...env.host, pid: 1, claimName: async () => async () => {} },
    };
    const directory = temporaryDirectory();
    const { child } = await startHolder(directory);
    await expect(lockDirectory(blind, directory)).rejects.toMatchObject({ code: 'locked' });
    const path = `${directory}/.holdfast/lock`;
    const holder = JSON.parse(readFileSync(path, 'utf8'));
    for (const change of [{ bootId: 'before' }, { processStartTime: '1' }, { pid: 2 ** 22 + 1 }]) {
      writeFileSync(path, JSON.stringify({ ...holder, ...change }));
      const lock = await lockDirectory(blind, directory);
      await lock.release();
    }
    await kill(child);
  });

  it('notices that the lock was taken away', async () => {
    const directory = temporaryDirectory();
    const path = `${directory}/.holdfast/lock`;
    const lock = await lockDirectory(env, directory);
    const own = readFileSync(path, 'utf8');
    for (const content of [undefined, '', own.replace(/"token":"../, '"token":"zz')]) {
      if (content === undefined) rmSync(path);
      else writeFileSync(path, content);
      await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'locked', remedy: 'stop' });
    }
    await lock.release();
    expect(existsSync(path)).toBe(true);
  });

  it('takes a lock file without meaning for nobody', async () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/.holdfast`);
    for (const content of [
      '{"pid',
      'null',
      '{"pid":1,"hostName":{"toString":1}}',
      '[]',
      ' '.repeat(70_000),
    ]) {
      writeFileSync(`${directory}/.holdfast/lock`, content);
      expect(await findLockHolder(env, directory)).toBeUndefined();
      await (await lockDirectory(env, directory)).release();
    }
    await expect(lockDirectory(env, `${directory}/none`)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a system that tells little of itself', () => {
  it('locks without boot id and start times, and takes a lock of its own again', async () => {
    const directory = temporaryDirectory();
    const host = {
      ...env.host,
      bootId: async () => undefined,
      processStartTime: async () => undefined,
    };
    const silent: StoreEnvironment = { ...env, host };
    const lock = await lockDirectory(silent, directory);
    const path = `${directory}/.holdfast/lock`;
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ bootId: null, processStartTime: null });
    rmSync(path);
    await expect(lockDirectory(silent, directory)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('in use by another process'),
      found: undefined,
    });
    await lock.release();
    const again = await lockDirectory(silent, directory);
    await again.release();
  });
});
