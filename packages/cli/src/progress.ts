import type { Output } from './output.js';
import type { ProgressOptions, ProgressView } from './progress-view.js';

/** Bars on a terminal, elsewhere one line for each volume that is done. */
export async function createProgressView(options: ProgressOptions): Promise<ProgressView> {
  const { terminal, writeLine } = options;
  if (terminal === undefined) {
    return {
      update: () => undefined,
      finish: (_volumeId, line) => writeLine(line),
      close: () => undefined,
    };
  }
  // Most runs have no terminal, and bars are twenty modules.
  const { createProgressBars } = await import('./progress-bars.js');
  return createProgressBars(options, terminal);
}

/** Bars go to standard error, and only where a person looks at both. */
export function progressTerminal({ isJson, sink }: Output): NodeJS.WriteStream | undefined {
  return !isJson && sink.isTerminal && process.stderr.isTTY ? process.stderr : undefined;
}
