import { type ChildProcess, fork } from 'node:child_process';
import type { HuntMessage, HuntOrder } from './hunt-process.js';

/** What became of a hunt. */
export type HuntResult = {
  readonly schedules: number;
  readonly seconds: number;
} & (
  | { readonly isFound: true; readonly oracle: string; readonly message: string }
  | { readonly isFound: false }
);

/** No schedule is at work for so long: what says nothing any more does not end. */
const SILENCE_MAX_MS = 15_000;
const MEMORY_MIB = 768;

/** Looks for a bug in a process of its own. A process that stalls, ends without a word or outgrows its memory has found it. */
export async function huntBug(order: HuntOrder): Promise<HuntResult> {
  const startedAtMs = performance.now();
  const child = fork(new URL('./hunt-process.js', import.meta.url), {
    execArgv: [`--max-old-space-size=${MEMORY_MIB}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.send(order);
  let schedules = 0;
  const last = await lastWord(child, (told) => {
    schedules = told;
  });
  const seconds = (performance.now() - startedAtMs) / 1000;
  if (last === undefined || last.kind === 'going-on') {
    const message = 'a schedule that does not end, or that ends the process';
    return { isFound: true, schedules: schedules + 1, seconds, oracle: 'the end of a schedule', message };
  }
  if (last.kind === 'nothing') return { isFound: false, schedules: last.schedules, seconds };
  const { oracle, message } = last;
  return { isFound: true, schedules: last.schedules, seconds, oracle, message };
}

/** The last message; `undefined` where the process said nothing for too long, or ended without one. */
function lastWord(
  child: ChildProcess,
  onGoingOn: (schedules: number) => void,
): Promise<HuntMessage | undefined> {
  return new Promise((resolve) => {
    let silence = setTimeout(end, SILENCE_MAX_MS, undefined);
    child.on('message', (message: HuntMessage) => {
      if (message.kind !== 'going-on') return end(message);
      onGoingOn(message.schedules);
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MAX_MS, undefined);
    });
    child.once('exit', () => end(undefined));

    function end(message: HuntMessage | undefined): void {
      clearTimeout(silence);
      child.kill('SIGKILL');
      resolve(message);
    }
  });
}
