import { randomBytes } from 'node:crypto';
import type { Random } from '../ports.js';

/** Randomness of this process; `bytes` are from the system's secure source. */
export const systemRandom: Random = {
  nextFloat: () => Math.random(),
  bytes: (lengthBytes) => new Uint8Array(randomBytes(lengthBytes)),
};
