export type { GrowingFile } from './growing-file.js';
export type { HeartbeatBook } from './heartbeat-book.js';
export { liveOut } from './live-out.js';
export type { StockCall, StockHooks } from './stock-call.js';
export { createStockMaster, type StockMaster, type StockMasterOptions } from './stock-master.js';
export type { StockEntry } from './stock-record.js';
export {
  createStockServer,
  type StockAllocateOptions,
  type StockServer,
  type StockServerOptions,
} from './stock-server.js';
export type { StockLiveNeedle, StockPutOptions, StockVolume } from './stock-volume.js';
export type { StockRelease } from './volume-service.js';
