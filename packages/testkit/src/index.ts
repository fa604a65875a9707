export { type LifeOperation, type LifeOptions, randomLife } from './lives.js';
export { createSeededRandom } from './seeded-random.js';
export {
  type CrashKind,
  createSimulatedDisk,
  type DiskOperation,
  type SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk/index.js';
export { createSimulatedEnvironment, type SimulatedEnvironment } from './simulated-environment.js';
export {
  createStockMaster,
  createStockServer,
  type GrowingFile,
  type HeartbeatBook,
  liveOut,
  type StockAllocateOptions,
  type StockCall,
  type StockEntry,
  type StockHooks,
  type StockLiveNeedle,
  type StockMaster,
  type StockMasterOptions,
  type StockPutOptions,
  type StockRelease,
  type StockServer,
  type StockServerOptions,
  type StockVolume,
} from './stock-server/index.js';
export { createVirtualTime, type VirtualTime } from './virtual-time.js';
