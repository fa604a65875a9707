import { createHash, hash } from 'node:crypto';
import type { Sha256Stream } from '../environment.js';

export function nodeSha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

export function createNodeSha256(): Sha256Stream {
  const running = createHash('sha256');
  return {
    push(bytes) {
      running.update(bytes);
    },
    digest: () => running.digest(),
  };
}
