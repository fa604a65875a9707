import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command line as built: `bin/holdfast.js` of the package `holdfast`. */
export const holdfastProgram = fileURLToPath(new URL('../bin/holdfast.js', import.meta.resolve('holdfast')));

export interface HoldfastResult {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output as JSON, where it is that. */
  readonly summary: Record<string, unknown> | undefined;
}

export interface RunningHoldfast {
  readonly process: ChildProcess;
  readonly ended: Promise<HoldfastResult>;
  /** Resolves with the first line of standard output that has `text`; rejects where it ends before. */
  printed(text: string): Promise<string>;
}

/** The command line in a process of its own, to its end. */
export async function runHoldfast(...args: readonly string[]): Promise<HoldfastResult> {
  return await startHoldfast(...args).ended;
}

export function startHoldfast(...args: readonly string[]): RunningHoldfast {
  const child = spawn(process.execPath, [holdfastProgram, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const ended = once(child, 'close').then(([exitCode]: (number | null)[]) => ({
    exitCode: exitCode ?? null,
    stdout,
    stderr,
    summary: summaryOf(stdout),
  }));
  return {
    process: child,
    ended,
    async printed(text) {
      while (!stdout.includes(text)) {
        const isOver = await Promise.race([
          once(child.stdout, 'data').then(() => false),
          ended.then(() => true),
        ]);
        if (isOver && !stdout.includes(text))
          throw new Error(`holdfast ended without "${text}": ${stdout}${stderr}`);
      }
      return stdout.split('\n').find((line) => line.includes(text))!;
    },
  };
}

function summaryOf(stdout: string): Record<string, unknown> | undefined {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
