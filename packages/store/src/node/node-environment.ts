import { createHash } from 'node:crypto';
import { nativeCrc32c, systemClock, systemRandom } from '@holdfast/format/node';
import type { StoreEnvironment } from '../environment.js';
import { createNodeDisk } from './node-disk.js';
import { nodeHost } from './node-host.js';

export function nodeSha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** The store on this machine's real disk, clock and randomness. */
export function nodeStoreEnvironment(): StoreEnvironment {
  return {
    disk: createNodeDisk(),
    clock: systemClock,
    random: systemRandom,
    crc32c: nativeCrc32c,
    sha256: nodeSha256,
    host: nodeHost,
  };
}
