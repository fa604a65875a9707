import { createHash } from 'node:crypto';
import { systemClock, systemRandom, systemTimers } from '@holdfast/format/node';
import type { HttpEnvironment, Md5Stream } from '../http/data-api-ports.js';
import { nodeGzip } from './node-gzip.js';

/** The HTTP data API on this machine's clock, timers, randomness and digests. */
export function nodeHttpEnvironment(): HttpEnvironment {
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    gzip: nodeGzip,
    createMd5,
  };
}

function createMd5(): Md5Stream {
  const hash = createHash('md5');
  return {
    push(bytes) {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}
