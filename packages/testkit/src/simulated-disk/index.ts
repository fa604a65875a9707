export {
  type CrashKind,
  createSimulatedDisk,
  type DiskOperation,
  type SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk.js';
