import { recordLengthBytes, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { StoreEnvironment } from '@holdfast/store';

const LINEAGE_BYTES = 16;

export interface LineageInput {
  /** Names the history since a writer last began or broke it; `""` where no writer of ours has been. */
  readonly token: string;
  /** Device and inode of the `.dat`: a compacted, restored or exchanged file is another one. */
  readonly datFileKey: string;
  readonly dat: RandomAccess;
}

/**
 * The name of one history of one volume: another one when the file is exchanged, compacted, made anew or cut, the
 * same after a restart. The first record is part of it, so that a volume made anew in a reused inode is told apart.
 */
export async function lineageIdOf(input: LineageInput, sha256: StoreEnvironment['sha256']): Promise<string> {
  const start = await input.dat.readAt(0, SUPER_BLOCK_SIZE_BYTES + recordLengthBytes(3, 0));
  const text = JSON.stringify([input.token, input.datFileKey, toHex(start)]);
  return toHex(sha256(new TextEncoder().encode(text)).subarray(0, LINEAGE_BYTES));
}

/** Lower-case hex digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
