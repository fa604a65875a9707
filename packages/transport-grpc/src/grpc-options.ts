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
  /** Of a client's connection and of each of its streams, at most. */
  readonly windowBytes: number;
  /** For the channel, and for the server. */
  readonly channelOptions: Readonly<Record<string, number>>;
}

export function grpcSettings(options: GrpcTransportOptions): GrpcSettings {
  const windowBytes = options.windowBytes ?? 8 * MiB;
  const limits = { ...defaultRpcLimits, ...options.limits };
  return {
    tls: options.tls,
    serverTls: options.serverTls,
    limits,
    windowBytes,
    channelOptions: {
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? 30_000,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 20_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': limits.messageBytes,
      'grpc.max_send_message_length': -1,
    },
  };
}
