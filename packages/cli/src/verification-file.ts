import { type StoreEnvironment, StoreError } from '@holdfast/store';
import * as v from 'valibot';
import { ownPath, readOwnJson, replaceOwnText } from './own-files.js';
import { countSchema, instantMsSchema, volumesOf } from './schema.js';

const NAME = 'verification.json';

/** `files`: every CRC, entry and digest; `leader`: every byte against the leader, too. */
export const coveredSchema = v.picklist(['files', 'leader']);

const recordSchema = v.object({
  atMs: instantMsSchema,
  ok: v.boolean(),
  findings: countSchema,
  covered: coveredSchema,
  datSizeBytes: countSchema,
});

/** One verification of one volume. */
export type VerificationRecord = Readonly<v.InferOutput<typeof recordSchema>>;

/** `DIR/.holdfast/verification.json`, by base name. */
export type VerificationFile = Readonly<Record<string, VerificationRecord>>;

/** What is no such record is left out. */
export async function readVerifications(env: StoreEnvironment, directory: string): Promise<VerificationFile> {
  return volumesOf(await readOwnJson(env, directory, NAME), recordSchema);
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
