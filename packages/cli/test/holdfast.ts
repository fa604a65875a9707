import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/holdfast.js', import.meta.url));
export const FIXTURES = fileURLToPath(new URL('../../testkit/fixtures/', import.meta.url));

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of `--json`. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Runs the built command line to its end. */
export function holdfast(
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<RunResult> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const isJson = args.includes('--json');
      const lines = isJson
        ? stdout
            .trim()
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : [];
      resolve({ code, stdout, stderr, lines });
    });
  });
}

/** Starts the built command line; `line` gives the first line that it prints. */
export function startHoldfast(args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.on('close', () => reject(new Error(`it ended: ${text}`)));
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    line,
    end(): Promise<number | null> {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

export async function temporaryDirectory(): Promise<{
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
