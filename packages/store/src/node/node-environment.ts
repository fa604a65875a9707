import { createHash } from 'node:crypto';
import { nativeCrc32c, systemClock, systemRandom } from '@holdfast/format/node';
import type { Sha256Stream, StoreEnvironment } from '../environment.js';
import { createNodeDisk } from './node-disk.js';
import { nodeHost } from './node-host.js';

export function nodeSha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

export function createNodeSha256(): Sha256Stream {
  const hash = createHash('sha256');
  return {
    push(bytes) {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}

/** The store on this machine's real disk, clock and randomness. */
export function nodeStoreEnvironment(): StoreEnvironment {
  return {
    disk: createNodeDisk(),
    clock: systemClock,
    random: systemRandom,
    crc32c: nativeCrc32c,
    sha256: nodeSha256,
    createSha256: createNodeSha256,
    host: nodeHost,
  };
}
