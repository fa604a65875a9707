export type { TearSizeBytes } from './content.js';
export type { CrashKind } from './crash-kind.js';
export type { DiskOperation } from './disk-operation.js';
export { createFailingDisk, type Failing } from './failing-disk.js';
export { createSimulatedDisk, type SimulatedDisk, type SimulatedDiskOptions } from './simulated-disk.js';
