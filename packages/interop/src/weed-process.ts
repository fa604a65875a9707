import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** One process of the real `weed`. */
export interface WeedProcess {
  readonly isAlive: boolean;
  /** The last of what it wrote, for messages. */
  readonly log: string;
  /** `null` while it runs, and where a signal ended it. */
  readonly exitCode: number | null;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<void>;
  /** SIGTERM, and SIGKILL where that does not do. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
}

const KEPT_LOG_CHARACTERS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

/** `workDirectory` is where it looks for `security.toml` first. */
export function startWeed(binary: string, args: readonly string[], workDirectory: string): WeedProcess {
  const child: ChildProcess = spawn(binary, args, {
    cwd: workDirectory,
    env: { ...process.env, HOME: workDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log = (log + chunk.toString('utf8')).slice(-KEPT_LOG_CHARACTERS);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = once(child, 'exit').then(
    () => undefined,
    (error: unknown) => keep(Buffer.from(String(error))),
  );
  // A test run that dies takes its servers along.
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  void exited.then(() => process.off('exit', killWithUs));

  const isAlive = (): boolean =>
    child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isAlive()) return;
    child.kill(signal);
    const hard = setTimeout(killWithUs, STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(hard);
  };
  return {
    get isAlive() {
      return isAlive();
    },
    get exitCode() {
      return child.exitCode;
    },
    get log() {
      return log;
    },
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}
