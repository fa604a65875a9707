import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import type { Host } from '../environment.js';
import { translateError } from './translate-error.js';

/** Field 22 of `/proc/<pid>/stat`, counted behind the command name, which may hold spaces and parentheses. */
const START_TIME_FIELD_AFTER_NAME = 19;

async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}

/**
 * Names are abstract unix sockets, which the kernel frees with their process; they hold within a network namespace.
 * Where there are none (not Linux), a name is always free and the lock rests on its file alone.
 */
function claimAbstractSocket(name: string): Promise<(() => Promise<void>) | undefined> {
  if (process.platform !== 'linux') return Promise.resolve(async () => {});
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause) => {
      if ('code' in cause && cause.code === 'EADDRINUSE') resolve(undefined);
      else reject(translateError('claim', name, cause));
    });
    server.listen({ path: `\0${name}` }, () => {
      server.unref();
      resolve(() => new Promise((released) => server.close(() => released())));
    });
  });
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return 'running';
    } catch {
      return undefined;
    }
  }
  const stat = await readProc(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isDead = fields?.[0] === 'Z' || fields?.[0] === 'X';
  return isDead ? undefined : fields?.[START_TIME_FIELD_AFTER_NAME];
}

/** This machine and process. */
export const nodeHost: Host = {
  pid: process.pid,
  hostName: hostname(),
  bootId: async () => (await readProc('/proc/sys/kernel/random/boot_id'))?.trim(),
  processStartTime: startTimeOf,
  claimName: claimAbstractSocket,
};
