import { crc32c as hardwareCrc32c } from '@node-rs/crc32';
import { crc32c as pureCrc32c } from '../crc32c.js';
import type { Crc32c } from '../ports.js';

/** Below this a call into native code costs more than the tables do. */
const NATIVE_FROM_BYTES = 1024;

/** CRC-32C with the processor's instruction from 1 KiB up, in plain JavaScript below. */
export const nativeCrc32c: Crc32c = (bytes, previous = 0) =>
  bytes.length < NATIVE_FROM_BYTES ? pureCrc32c(bytes, previous) : hardwareCrc32c(bytes, previous);
