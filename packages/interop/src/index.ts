export { waitUntil } from './wait-until.js';
export { type WeedBackupResult, weedBackup } from './weed-backup.js';
export { weedBinary } from './weed-binary.js';
export {
  startWeedCluster,
  type WeedCluster,
  type WeedClusterOptions,
  type WeedServerOptions,
} from './weed-cluster.js';
export { liveOutOnWeed } from './weed-life.js';
export type { WeedAllocateOptions, WeedPutOptions, WeedVolumeServer } from './weed-volume-server.js';
