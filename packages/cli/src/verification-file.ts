import { type StoreEnvironment, StoreError } from '@holdfast/store';
import { ownPath, readOwnJson, replaceOwnText } from './own-files.js';
import { hasShape, isCount, isFlag, isInstantMs, isOneOf, volumesOf } from './shape.js';

const NAME = 'verification.json';

/** One verification of one volume. */
export interface VerificationRecord {
  readonly atMs: number;
  readonly ok: boolean;
  readonly findings: number;
  /** `files`: every CRC, entry and digest; `leader`: every byte against the leader, too. */
  readonly covered: 'files' | 'leader';
  readonly datSizeBytes: number;
}

/** `DIR/.holdfast/verification.json`, by base name. */
export type VerificationFile = Readonly<Record<string, VerificationRecord>>;

const isRecord = hasShape<VerificationRecord>({
  atMs: isInstantMs,
  ok: isFlag,
  findings: isCount,
  covered: isOneOf('files', 'leader'),
  datSizeBytes: isCount,
});

/** What is no such record is left out. */
export async function readVerifications(env: StoreEnvironment, directory: string): Promise<VerificationFile> {
  return volumesOf(await readOwnJson(env, directory, NAME), isRecord);
}

/** Adds what a verification found. Does nothing where Holdfast has no folder in DIR or may not write into it. */
export async function noteVerifications(
  env: StoreEnvironment,
  directory: string,
  records: VerificationFile,
): Promise<void> {
  if ((await env.disk.stat(ownPath(directory, ''))) === undefined) return;
  try {
    const former = await readVerifications(env, directory);
    await replaceOwnText(env, directory, NAME, `${JSON.stringify({ ...former, ...records }, null, 1)}\n`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}
