import {
  ensureDirectory,
  isStoreError,
  readWhole,
  replaceFile,
  type StoreEnvironment,
} from '@holdfast/store';

const FOLDER = '.holdfast';
const GREATEST_FILE_BYTES = 256 << 20;

/** The path of one of Holdfast's own files in DIR. */
export function ownPath(directory: string, name: string): string {
  return `${directory}/${FOLDER}/${name}`;
}

/** `undefined` where there is no such file, or none that is JSON. */
export async function readOwnJson(
  { disk }: StoreEnvironment,
  directory: string,
  name: string,
): Promise<unknown> {
  try {
    const bytes = await readWhole(disk, ownPath(directory, name), GREATEST_FILE_BYTES);
    return bytes === undefined ? undefined : parseOwnJson(bytes);
  } catch (error) {
    if (isStoreError(error, 'too-large')) return undefined;
    throw error;
  }
}

/** `undefined` where the bytes are no JSON. */
export function parseOwnJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Durably and at once: whoever reads meanwhile has the former text or this one, whole. */
export async function replaceOwnText(
  { disk }: StoreEnvironment,
  directory: string,
  name: string,
  text: string,
): Promise<void> {
  await ensureDirectory(disk, `${directory}/${FOLDER}`);
  await replaceFile(disk, ownPath(directory, name), new TextEncoder().encode(text));
}
