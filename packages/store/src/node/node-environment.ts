import { nativeCrc32c, systemClock, systemRandom } from '@holdfast/format/node';
import type { StoreEnvironment } from '../environment.js';
import { nodeSha256Blocks } from './digest-thread.js';
import { createNodeDisk } from './node-disk.js';
import { nodeHost } from './node-host.js';
import { createNodeSha256, nodeSha256 } from './sha256.js';
import { nodeWriteMemory } from './write-memory.js';

/** The store on this machine's real disk, clock and randomness. */
export function nodeStoreEnvironment(): StoreEnvironment {
  return {
    disk: createNodeDisk(),
    clock: systemClock,
    random: systemRandom,
    crc32c: nativeCrc32c,
    sha256: nodeSha256,
    sha256Blocks: nodeSha256Blocks,
    createSha256: createNodeSha256,
    writeMemory: nodeWriteMemory,
    host: nodeHost,
  };
}
