export type { RandomAccess } from './random-access.js';
