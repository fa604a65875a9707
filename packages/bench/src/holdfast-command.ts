import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type ExitCode, exitCodes } from 'holdfast';
import { PEAK_FILE_VARIABLE } from './peak-memory-hook.js';

const PROGRAM = fileURLToPath(new URL('../bin/holdfast.js', import.meta.resolve('holdfast')));
/** The hook as built: the command line runs what is built, too. */
const HOOK = new URL('../dist/peak-memory-hook.js', import.meta.url).href;
const KIB = 1024;

export interface CommandRun {
  readonly seconds: number;
  /** The most memory that the process ever had resident. */
  readonly peakBytes: number;
}

/** The command line as built, in a process of its own, until the caller ends it. What it logs is the caller's to see. */
export function startHoldfast(args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * The command line as built, in a process of its own, from its start to its end. Throws with what it said unless it
 * ends with exit code 0.
 */
export async function runHoldfast(args: readonly string[]): Promise<CommandRun> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const peakFile = join(directory, 'peak');
    const startedAtMs = performance.now();
    const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, ...args], {
      env: { ...process.env, [PEAK_FILE_VARIABLE]: peakFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [ExitCode | null];
    const seconds = (performance.now() - startedAtMs) / 1000;
    if (code !== exitCodes.done) throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${output}`);
    return { seconds, peakBytes: Number(await readFile(peakFile, 'utf8')) * KIB };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
