import { MAX_SIZE_BYTES } from '@holdfast/format';
import { type StagedData, type StoreEnvironment, StoreError } from '@holdfast/store';
import { toHex } from '../lineage.js';
import type { NeedleDataPieces } from './stored-volume.js';

/** Shorter data are held in memory. */
const HELD_BYTES = 1 << 20;
/** Room for name, mime type, pairs and what stands around them. */
const FIELDS_BYTES = 128 << 10;
const NAME_BYTES = 16;

/** Data that have come whole: in memory, or in a file that `remove` takes away. */
export interface ReceivedData {
  readonly data: Uint8Array | StagedData;
  remove(): Promise<void>;
}

/** Where uploads lie until they are appended. What is there when a directory is opened belongs to nobody. */
export function uploadsPath(directory: string): string {
  return `${directory}/.holdfast/uploads`;
}

/**
 * Takes all pieces: at most 1 MiB is held, longer data go to a file on the way. `too-large` beyond `maxBytes`;
 * `RangeError` where they do not come to `lengthBytes`; nothing is left of them then.
 */
export async function receiveData(
  env: StoreEnvironment,
  directory: string,
  { pieces, lengthBytes, maxBytes = MAX_SIZE_BYTES - FIELDS_BYTES }: NeedleDataPieces,
): Promise<ReceivedData> {
  const limitBytes = Math.min(maxBytes, MAX_SIZE_BYTES - FIELDS_BYTES);
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  let crc = 0;
  let staged: Awaited<ReturnType<typeof createUpload>> | undefined;
  const assertFits = (bytes: number) => {
    if (bytes <= limitBytes) return;
    throw new StoreError('too-large', `an upload of ${bytes} bytes; ${limitBytes} are the limit`, {
      expected: limitBytes,
      found: bytes,
    });
  };

  assertFits(lengthBytes ?? 0);
  try {
    for await (const piece of pieces) {
      assertFits(sizeBytes + piece.length);
      if (staged === undefined && sizeBytes + piece.length > HELD_BYTES) {
        staged = await createUpload(env, directory);
        let at = 0;
        for (const former of held.splice(0)) {
          await staged.file.writeAt(at, former);
          at += former.length;
        }
      }
      crc = env.crc32c(piece, crc);
      if (staged === undefined) held.push(piece.slice());
      else await staged.file.writeAt(sizeBytes, piece);
      sizeBytes += piece.length;
    }
    if (lengthBytes !== undefined && sizeBytes !== lengthBytes)
      throw new RangeError(`${sizeBytes} bytes came, ${lengthBytes} were announced`);
  } catch (error) {
    await staged?.remove();
    throw error;
  }
  if (staged === undefined) return { data: joined(held, sizeBytes), remove: async () => {} };
  return { data: { source: staged.file, sizeBytes, crc }, remove: staged.remove };
}

async function createUpload(env: StoreEnvironment, directory: string) {
  const path = `${uploadsPath(directory)}/${toHex(env.random.bytes(NAME_BYTES))}`;
  const file = await env.disk.open(path, { mode: 'create-new' });
  return {
    file,
    async remove() {
      await file.close();
      // What stays is removed when the directory is opened next.
      await env.disk.remove(path).catch(() => {});
    },
  };
}

function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
