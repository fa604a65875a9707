export type { Clock, Crc32c, Random, Timers } from './ports.js';
