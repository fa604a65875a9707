import {
  defaultRpcLimits,
  type RpcLimits,
  type RpcServerTlsOptions,
  type RpcTlsOptions,
} from '@holdfast/protocol';

const MiB = 1024 * 1024;

export interface GrpcTransportOptions {
  /** For `connect`. Default: no TLS. */
  readonly tls?: RpcTlsOptions;
  /** For `serve`. Default: no TLS. */
  readonly serverTls?: RpcServerTlsOptions;
  /** Default `defaultRpcLimits`. */
  readonly limits?: Partial<RpcLimits>;
  /** A ping after so long without traffic. Default 30 s; a stock SeaweedFS bears nothing below 20 s (protocol.md §1). */
  readonly keepaliveTimeMs?: number;
  /** How long a ping may go unanswered before the connection counts as gone. Default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /**
   * What one stream may have under way unread, and so what a paused reader costs in memory. Default 8 MiB. Larger
   * is faster on long links; a client's whole connection begins with less and grows up to it as its link shows its rate.
   */
  readonly windowBytes?: number;
}

/** Every option with its default filled in. */
export interface GrpcSettings {
  readonly tls: RpcTlsOptions | undefined;
  readonly serverTls: RpcServerTlsOptions | undefined;
  readonly limits: RpcLimits;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Of a client's connection and of each of its streams, at most. */
  readonly windowBytes: number;
}

export function grpcSettings(options: GrpcTransportOptions): GrpcSettings {
  return {
    tls: options.tls,
    serverTls: options.serverTls,
    limits: { ...defaultRpcLimits, ...options.limits },
    keepaliveTimeMs: options.keepaliveTimeMs ?? 30_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 20_000,
    windowBytes: options.windowBytes ?? 8 * MiB,
  };
}
