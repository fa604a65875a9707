import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { type StoreEnvironment, StoreError } from '@holdfast/store';
import { toHex } from './lineage.js';

const TOKEN_BYTES = 16;
const GREATEST_FILE_BYTES = 64;

/** `DIR/N.lineage`: hex digits that a writer put there when the present history began. */
export function lineageTokenPath(directory: string, name: VolumeName): string {
  return `${directory}/${formatVolumeName(name)}.lineage`;
}

/** The token, `""` where no writer of ours has been. */
export async function readLineageToken(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<string> {
  try {
    const file = await env.disk.open(lineageTokenPath(directory, name), { mode: 'read' });
    try {
      return new TextDecoder().decode(await file.readAt(0, GREATEST_FILE_BYTES)).trim();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return '';
    throw error;
  }
}

/** Begins a new history, durably: temp, fsync, rename, fsync directory. */
export async function renewLineageToken(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<void> {
  const path = lineageTokenPath(directory, name);
  const bytes = new TextEncoder().encode(`${toHex(env.random.bytes(TOKEN_BYTES))}\n`);
  const file = await env.disk.open(`${path}.tmp`, { mode: 'create' });
  try {
    await file.truncate(0);
    await file.writeAt(0, bytes);
    await file.syncData();
  } finally {
    await file.close();
  }
  await env.disk.rename(`${path}.tmp`, path);
  await env.disk.syncDirectory(directory);
}

/** Not durable by itself: the volume it belongs to goes too. */
export async function removeLineageToken(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<void> {
  try {
    await env.disk.remove(lineageTokenPath(directory, name));
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
  }
}
