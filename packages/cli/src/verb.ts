import type { Timers } from '@holdfast/format';
import type { StoreEnvironment } from '@holdfast/store';
import type { Logger } from 'pino';
import type { ExitCode } from './exit-code.js';
import type { Flags, FlagValues } from './flags.js';
import type { Output } from './output.js';

/** What a verb works with: the machine, and the ways to speak to the user. */
export interface VerbContext {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly output: Output;
  readonly log: Logger;
  /** Of the process. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Aborts at SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
}

/** One verb of the command line. */
export interface Verb<F extends Flags = Flags> {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What may stand beside the flags, such as `FILE.dat`; exactly so many are asked for. */
  readonly positionals: readonly string[];
  readonly flags: F;
  /** Runs until a signal ends it: that is its end, at any moment, and no failure. */
  readonly isEndless?: true;
  /** An example or two, whole command lines. */
  readonly examples: readonly string[];
  run(flags: FlagValues<F>, positionals: readonly string[], context: VerbContext): Promise<ExitCode>;
}

/** Ties the type of the flags to the type of what `run` gets. */
export function defineVerb<const F extends Flags>(verb: Verb<F>): Verb {
  return verb as unknown as Verb;
}
