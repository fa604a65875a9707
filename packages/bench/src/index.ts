export { measureFirstCopy } from './first-copy.js';
export { measurePeakMemory } from './peak-memory.js';
export { measureRebase } from './rebase.js';
