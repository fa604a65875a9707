export {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
export type { Checksum } from './checksum.js';
export { type FollowStartEvent, verifiedFollow } from './follow-events.js';
export { createFollowService, type FollowServiceOptions } from './follow-service.js';
export * as healthPb from './gen/grpc/health/v1/health_pb.js';
export * as followPb from './gen/holdfast/v1/follow_pb.js';
export * as masterPb from './gen/seaweedfs/master_pb.js';
export * as volumeServerPb from './gen/seaweedfs/volume_server_pb.js';
export { codeOfGrpcStatus, grpcStatusOfCode, rpcCodes } from './grpc-status.js';
export { createHealth, type Health } from './health.js';
export {
  createHoldfastLeaderClient,
  type HoldfastLeaderClient,
  type HoldfastLeaderClientOptions,
  type HoldfastLeaderSession,
} from './holdfast-leader-client.js';
export type { HoldfastVolume } from './holdfast-volume.js';
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
export type {
  FollowStart,
  LeaderService,
  ServedFollowEvent,
  ServedGeneration,
  ServedPin,
  ServedStatus,
  ServedVolume,
} from './leader-service.js';
export { defaultRpcLimits, followLimits, type RpcLimits } from './limits.js';
export type { MemoryFrame } from './memory-call.js';
export { createMemoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from './memory-transport.js';
export { openReceiveWindow, type ReceiveWindow, type WindowedConnection } from './receive-window.js';
export { createReflectionService } from './reflection-service.js';
export { type RpcCode, RpcError, toRpcError } from './rpc-error.js';
export {
  createRpcService,
  onlyRequest,
  type RpcHandlers,
  type RpcRoute,
  rpcPath,
  rpcRoutes,
  singleRequest,
  wrapHandlers,
} from './rpc-routes.js';
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
export { type SilenceOptions, waitForSilence, watchStream } from './stream-watchdog.js';
export type { RpcTimers } from './timers.js';
export {
  describeEarlyClose,
  describeTlsError,
  isTlsErrorCode,
  type RpcServerTlsOptions,
  type RpcTlsOptions,
} from './tls-options.js';
export { untilAborted } from './until-aborted.js';
