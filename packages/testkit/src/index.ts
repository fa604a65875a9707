export { type LifeOperation, type LifeOptions, randomLife } from './lives.js';
export { createSeededRandom } from './seeded-random.js';
export {
  type CrashKind,
  createFailingDisk,
  createSimulatedDisk,
  type DiskOperation,
  type Failing,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  type TearSizeBytes,
} from './simulated-disk/index.js';
export { createSimulatedEnvironment, type SimulatedEnvironment } from './simulated-environment.js';
export {
  createSimulatedMachine,
  type DiskAccess,
  type SimulatedMachine,
  type SimulatedMachineOptions,
  type SimulatedProcess,
  type SimulatedProcessOptions,
} from './simulated-machine.js';
export {
  createSimulatedNetwork,
  type FrameFault,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
} from './simulated-network.js';
export { createSimulatedScheduler, type SimulatedScheduler, type TaskEnd } from './simulated-scheduler.js';
export { createSimulatedStorePorts } from './simulated-store-ports.js';
export { createSlowLink, type SlowLinkOptions } from './slow-link.js';
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
