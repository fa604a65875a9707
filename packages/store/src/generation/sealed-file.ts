import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { type CheckedFields, checkedFields } from './checked-fields.js';
import { readWhole, replaceFile } from './small-file.js';

/** The form of all small files of a home. A file with a higher number was written by a newer Holdfast. */
const SEAL_FORMAT = 1;

/** A position lists each damaged record of the leader: room for some hundred thousand. */
export const SEALED_FILE_BYTES_MAX = 64 << 20;

/** Whatever `JSON.stringify` writes as it is. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One line of JSON: `{"format":1,"crc32c":"<8 hex digits, of the content's JSON>","content":{…}}`. */
export function seal(env: StoreEnvironment, content: Json): Uint8Array {
  const sealed = { format: SEAL_FORMAT, crc32c: checksum(env, content), content };
  return new TextEncoder().encode(`${JSON.stringify(sealed)}\n`);
}

function checksum(env: StoreEnvironment, content: unknown): string {
  return env
    .crc32c(new TextEncoder().encode(JSON.stringify(content)))
    .toString(16)
    .padStart(8, '0');
}

export async function writeSealed(
  env: StoreEnvironment,
  path: string,
  content: Json,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  await replaceFile(env.disk, path, seal(env, content), beforeRename);
}

/**
 * The content of a sealed file, `undefined` if there is none. Error `position-damaged` where checksum or shape are
 * wrong, `unsupported-version` where a newer Holdfast wrote it.
 */
export async function readSealed<T>(
  env: StoreEnvironment,
  path: string,
  decode: (fields: CheckedFields) => T,
): Promise<T | undefined> {
  const bytes = await readWhole(env.disk, path, SEALED_FILE_BYTES_MAX);
  if (bytes === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new StoreError('position-damaged', `${path} is not readable`, { path, cause });
  }
  const outer = checkedFields(parsed, path);
  const format = outer.integer('format');
  if (format > SEAL_FORMAT) {
    throw new StoreError('unsupported-version', `${path} was written by a newer Holdfast: use that one`, {
      path,
      expected: SEAL_FORMAT,
      found: format,
    });
  }
  if (format < SEAL_FORMAT)
    throw new StoreError('position-damaged', `${path} has no form that there ever was`, {
      path,
      found: format,
    });
  const content = (parsed as { content?: unknown }).content ?? null;
  const expected = outer.text('crc32c');
  const found = checksum(env, content);
  if (found !== expected)
    throw new StoreError('position-damaged', `${path} fails its checksum`, { path, expected, found });
  return decode(checkedFields(content, path));
}
