import { listIfThere, readWhole, type StoreEnvironment } from '@holdfast/store';
import { ownPath } from './own-files.js';
import { decodeRunRecord, parseRunRecordName, type RunRecord, type RunRecordName } from './run-record.js';

const FOLDER = 'runs';
const GREATEST_RECORD_BYTES = 256 << 20;
const DAY_MS = 86_400_000;
/** Of days that ended longer ago, the last record alone is kept … */
export const KEEP_ALL_MS = 14 * DAY_MS;
/** … until it is so old. */
export const KEEP_MS = 400 * DAY_MS;

export function runsPath(directory: string): string {
  return ownPath(directory, FOLDER);
}

/** The records of DIR, oldest first. */
export async function listRunRecords(
  { disk }: StoreEnvironment,
  directory: string,
): Promise<readonly RunRecordName[]> {
  const names = await listIfThere(disk, runsPath(directory));
  return names
    .map(parseRunRecordName)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.serial - b.serial);
}

/** `sha256` is that of its bytes; `record` is missing where they are none. */
export async function readRunRecord(
  env: StoreEnvironment,
  directory: string,
  { name }: RunRecordName,
): Promise<{ readonly sha256: string; readonly record: RunRecord | undefined }> {
  const bytes = await readWhole(env.disk, `${runsPath(directory)}/${name}`, GREATEST_RECORD_BYTES);
  const content = bytes ?? new Uint8Array(0);
  return { sha256: Buffer.from(env.sha256(content)).toString('hex'), record: decodeRunRecord(content) };
}

/** The record that counts at an instant: the newest that was made by then. */
export function recordAt(names: readonly RunRecordName[], atMs: number): RunRecordName | undefined {
  return names.findLast(({ endedAtMs }) => endedAtMs <= atMs);
}

/** The last record of the day before that of `day`, as far as there are any. */
export function lastOfFormerDay(names: readonly RunRecordName[], day: string): RunRecordName | undefined {
  return names.findLast((name) => name.day !== day);
}

/** Records that have had their time. Whole days are thinned to their last record, which the next day's records name. */
export function outdatedRecords(names: readonly RunRecordName[], nowMs: number): readonly RunRecordName[] {
  const outdated: RunRecordName[] = [];
  let lastOfDay = names.at(-1);
  for (const name of names.slice(0, -1).reverse()) {
    if (name.day !== lastOfDay!.day) lastOfDay = name;
    const isThinned = name !== lastOfDay && nowMs - lastOfDay!.endedAtMs > KEEP_ALL_MS;
    if (isThinned || nowMs - name.endedAtMs > KEEP_MS) outdated.push(name);
  }
  return outdated;
}

/** Something about the chain that is not as Holdfast left it. */
export interface ChainProblem {
  readonly record: string;
  readonly problem: string;
}

/**
 * Reads every record: each must have the bytes that its name says, and name the one before it. Whoever changes a record,
 * or takes one out, would have to make all later ones anew; the SHA-256 of the last one, noted elsewhere, tells that, too.
 * The oldest may be gone: age takes them.
 */
export async function checkRunChain(
  env: StoreEnvironment,
  directory: string,
  names: readonly RunRecordName[],
  signal: AbortSignal,
): Promise<readonly ChainProblem[]> {
  const problems: ChainProblem[] = [];
  let before: RunRecordName | undefined;
  for (const name of names) {
    signal.throwIfAborted();
    const { sha256, record } = await readRunRecord(env, directory, name);
    const note = (problem: string) => problems.push({ record: name.name, problem });
    if (sha256 !== name.sha256) note(`its SHA-256 is ${sha256}: it was changed`);
    else if (record === undefined) note('it is no record that this version can read');
    else if (before !== undefined && record.former !== before.sha256 && record.formerDay !== before.sha256) {
      note(`records between ${before.name} and it are missing`);
    }
    before = name;
  }
  return problems;
}
