export * as followPb from './gen/holdfast/v1/follow_pb.js';
export * as masterPb from './gen/seaweedfs/master_pb.js';
export * as volumeServerPb from './gen/seaweedfs/volume_server_pb.js';
export type { HttpFetch, HttpResponse } from './http-fetch.js';
export type {
  ByteRange,
  FollowEvent,
  FollowPosition,
  LeaderClient,
  LeaderSession,
  LeaderStatus,
  LeaderVolume,
  PinnedCopy,
  SweepEntry,
} from './leader-client.js';
export { LeaderError, type LeaderErrorCode, type LeaderErrorDetail } from './leader-error.js';
export { type RpcCode, RpcError } from './rpc-error.js';
export type {
  RpcCallOptions,
  RpcConnection,
  RpcHandlerContext,
  RpcListener,
  RpcServerTransport,
  RpcService,
  RpcTransport,
  StreamHandler,
  StreamMethod,
  UnaryHandler,
  UnaryMethod,
} from './rpc-transport.js';
