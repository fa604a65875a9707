import { systemTimers } from '@holdfast/format/node';
import type { StoreEnvironment } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { commonFlags } from './common-flags.js';
import { type ExitCode, exitCodes } from './exit-code.js';
import { explainError, formatExplanation } from './explain-error.js';
import { parseFlags } from './flags.js';
import { commandHelp, verbHelp } from './help.js';
import { Interruption } from './interruption.js';
import { createLog } from './log.js';
import { createOutput, type LineSink } from './output.js';
import { UsageError } from './usage-error.js';
import type { Verb } from './verb.js';
import { loadVerb, loadVerbs } from './verbs/index.js';
import { version } from './version.js';

/** What one run of the command line takes from the process. */
export interface CliProcess {
  /** What follows the program's name. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdout: LineSink;
  readonly stderr: LineSink;
  /** Aborts when the user or the system wants the run to end. */
  readonly signal: AbortSignal;
  /** Disk, clock and what else volumes need of a machine. Default: this one. */
  readonly env?: StoreEnvironment;
}

/** Runs one command line. Never throws: every failure is one line on standard error and an exit code. */
export async function runCli(process: CliProcess): Promise<ExitCode> {
  const [word, ...rest] = process.args;
  // Asked for before any flag is parsed, so that a wrong one beside --help does not hide the help.
  const wantsHelp = process.args.includes('--help') || process.args.includes('-h');
  const verb = word === undefined ? undefined : await loadVerb(word);
  if (verb === undefined) {
    if (word === '--version') {
      process.stdout.write(`${version}\n`);
      return exitCodes.done;
    }
    if (wantsHelp || word === 'help') {
      process.stdout.write(commandHelp(await loadVerbs(), version));
      return exitCodes.done;
    }
    const reason = word === undefined ? 'a verb is missing' : `unknown verb ${word}`;
    return fail(process, new UsageError(`${reason}; holdfast --help lists the verbs`), false);
  }
  if (wantsHelp) {
    process.stdout.write(verbHelp(verb, commonFlags));
    return exitCodes.done;
  }
  return runVerb(verb, rest, process);
}

async function runVerb(verb: Verb, args: readonly string[], process: CliProcess): Promise<ExitCode> {
  // A line that cannot be parsed is still answered in the form that was asked for.
  let isJson = args.includes('--json');
  let isSummarized = () => false;
  let log = createLog('silent');
  try {
    const { values, positionals } = parseFlags({ ...verb.flags, ...commonFlags }, args, process.variables);
    isJson = values.json;
    if (positionals.length !== verb.positionals.length) {
      const wanted = verb.positionals.length === 0 ? 'only flags' : verb.positionals.join(' ');
      throw new UsageError(`${verb.name} takes ${wanted}; see holdfast ${verb.name} --help`);
    }
    const output = createOutput(process.stdout, isJson);
    isSummarized = () => output.hasSummary;
    log = createLog(values['log-level']);
    return await verb.run(values, positionals, {
      env: process.env ?? nodeStoreEnvironment(),
      timers: systemTimers,
      output,
      log,
      variables: process.variables,
      signal: process.signal,
    });
  } catch (error) {
    if (verb.isEndless && error instanceof Interruption) {
      createOutput(process.stdout, isJson).summary({ ok: true }, 'ended before it had begun');
      return exitCodes.done;
    }
    log.debug({ err: error }, 'the run failed');
    return fail(process, error, isJson && !isSummarized());
  }
}

function fail(process: CliProcess, error: unknown, isJson: boolean): ExitCode {
  const explanation = explainError(error);
  process.stderr.write(`holdfast: ${formatExplanation(explanation)}\n`);
  if (isJson) {
    createOutput(process.stdout, true).summary(
      { ok: false, code: explanation.code, error: formatExplanation(explanation) },
      '',
    );
  }
  return explanation.exitCode;
}
