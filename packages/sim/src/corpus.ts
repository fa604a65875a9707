import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Failure } from './run/failure.js';
import type { Schedule } from './schedule/schedule.js';

/** Schedules that once failed: they run with every change. */
export interface CorpusEntry {
  /** File name without its extension. */
  readonly name: string;
  /** What did not hold. */
  readonly rule: string;
  readonly schedule: Schedule;
}

const FOLDER = fileURLToPath(new URL('../corpus/', import.meta.url));

export async function readCorpus(): Promise<readonly CorpusEntry[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json')).sort();
  return await Promise.all(files.map(async (file) => await readCorpusFile(join(FOLDER, file))));
}

export async function readCorpusFile(path: string): Promise<CorpusEntry> {
  const { rule, schedule } = JSON.parse(await readFile(path, 'utf8')) as CorpusEntry;
  return { name: path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, ''), rule, schedule };
}

/** Gives the path of the file that the schedule was written to. */
export async function keepInCorpus({ rule, seed, schedule }: Failure): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const path = join(FOLDER, `${rule.replaceAll(/[^a-z]+/g, '-')}-${schedule.mode}-${seed}.json`);
  await writeFile(path, `${JSON.stringify({ rule, schedule }, undefined, 2)}\n`);
  return path;
}
