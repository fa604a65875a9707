import { readCorpusFile } from '../corpus.js';
import { describeFailure, shrunkFailure } from '../run/failure.js';
import { runSchedule } from '../run/run-schedule.js';
import { generateSchedule } from '../schedule/generate.js';
import type { Mode, Schedule } from '../schedule/schedule.js';

/** Runs one schedule twice, prints its trace and what was found. False where something did not hold, or the two differ. */
export async function replay(which: string, mode: Mode, print: (line: string) => void): Promise<boolean> {
  const schedule = await scheduleOf(which, mode);
  const first = await runSchedule(schedule);
  const second = await runSchedule(schedule);
  for (const line of first.lines) print(line);
  print(`hash ${first.hash}`);
  if (first.hash !== second.hash) {
    const at = first.lines.findIndex((line, i) => line !== second.lines[i]);
    print(`not the same a second time (${second.hash}): line ${at}: ${second.lines[at]}`);
    return false;
  }
  print('the same a second time');
  if (first.violation === undefined) return true;
  print(describeFailure(await shrunkFailure(schedule, first)));
  return false;
}

async function scheduleOf(which: string, mode: Mode): Promise<Schedule> {
  if (/^[0-9]+$/.test(which)) return generateSchedule(Number(which), mode);
  return (await readCorpusFile(which)).schedule;
}
