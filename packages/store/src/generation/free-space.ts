import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';

/** Error `no-space` unless `neededBytes` fit on the disk of `directory` and leave `minFreeBytes`. */
export async function ensureFree(
  env: StoreEnvironment,
  directory: string,
  neededBytes: number,
  minFreeBytes: number,
): Promise<void> {
  const freeBytes = await env.disk.freeBytes(directory);
  if (freeBytes - neededBytes >= minFreeBytes) return;
  throw new StoreError(
    'no-space',
    `${directory}: ${neededBytes} bytes are needed beside ${minFreeBytes} kept free, ${freeBytes} are free`,
    { path: directory, expected: neededBytes + minFreeBytes, found: freeBytes },
  );
}
