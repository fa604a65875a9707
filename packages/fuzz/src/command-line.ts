import type { SimulatedEnvironment } from '@holdfast/testkit';
import { type ExitCode, runCli } from 'holdfast';

/** What one command line said and how it ended. */
export interface CommandEnd {
  readonly exitCode: ExitCode;
  /** The last line under `--json`. */
  readonly summary: Readonly<Record<string, unknown>>;
  readonly stderr: string;
}

/** Runs `holdfast … --json` in this process, on a simulated machine. */
export async function runCommand(env: SimulatedEnvironment, ...args: readonly string[]): Promise<CommandEnd> {
  let [stdout, stderr] = ['', ''];
  const exitCode = await runCli({
    args: [...args, '--json'],
    variables: {},
    stdout: { write: (text) => void (stdout += text), isTerminal: false, columns: 80 },
    stderr: { write: (text) => void (stderr += text), isTerminal: false, columns: 80 },
    signal: new AbortController().signal,
    env,
  });
  const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as CommandEnd['summary'];
  return { exitCode, summary, stderr };
}
