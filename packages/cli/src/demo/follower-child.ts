import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What the follower tells after each sync. */
export interface FollowerLine {
  readonly outcome: string;
  readonly revision: number;
  readonly datSize: number;
  readonly ok: boolean;
  readonly error: string | null;
  readonly bytesReceived: number;
}

/** The follower of the demo, in a process of its own. */
export interface FollowerChild {
  readonly pid: number;
  /** Resolves when it has told that it holds exactly this. Rejects when the signal aborts. */
  reached(revision: number, datSize: number, signal: AbortSignal): Promise<FollowerLine>;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
  /** SIGTERM: the commit in hand is finished. */
  end(): Promise<void>;
}

export function startFollower(
  address: string,
  directory: string,
  onLine: (line: FollowerLine) => void,
): FollowerChild {
  const child = fork(new URL('./follower-process.js', import.meta.url), [address, directory], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let last: FollowerLine | undefined;
  const listeners = new Set<() => void>();
  child.on('message', (message) => {
    last = message as FollowerLine;
    onLine(last);
    for (const listener of listeners) listener();
  });
  return {
    pid: child.pid ?? 0,
    reached: (revision, datSize, signal) =>
      new Promise((resolve, reject) => {
        const isThere = () => last?.ok === true && last.revision === revision && last.datSize === datSize;
        const finish = () => {
          listeners.delete(look);
          signal.removeEventListener('abort', abort);
          child.removeListener('exit', exit);
        };
        const look = () => {
          if (!isThere()) return;
          finish();
          resolve(last!);
        };
        const abort = () => {
          finish();
          reject(signal.reason);
        };
        const exit = () => {
          finish();
          reject(new Error('the follower of the demo ended unasked'));
        };
        listeners.add(look);
        signal.addEventListener('abort', abort, { once: true });
        child.once('exit', exit);
        if (signal.aborted) abort();
        else look();
      }),
    kill: () => endBy(child, 'SIGKILL'),
    end: () => endBy(child, 'SIGTERM'),
  };
}

async function endBy(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
