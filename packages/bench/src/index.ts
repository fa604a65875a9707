export { measureFirstCopy } from './first-copy.js';
export { type IdleCost, measureIdleVolumes } from './idle-volumes.js';
export { measurePeakMemory } from './peak-memory.js';
export { measurePushLatency } from './push-latency.js';
export { measureRebase } from './rebase.js';
export { measureServeLoad, type ServeLoadRound } from './serve-load.js';
export { measureStoreLoad, type StoreLoad } from './store-load.js';
