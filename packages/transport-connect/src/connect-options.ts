import {
  defaultRpcLimits,
  type RpcLimits,
  type RpcServerTlsOptions,
  type RpcTlsOptions,
} from '@holdfast/protocol';

const MiB = 1024 * 1024;

/** What a client speaks. A server answers all three on one port. */
export type ConnectProtocol = 'grpc' | 'grpc-web' | 'connect';

export interface ConnectTransportOptions {
  /** For `connect`. Default `grpc`. */
  readonly protocol?: ConnectProtocol;
  /** For `connect`. Default: no TLS. */
  readonly tls?: RpcTlsOptions;
  /** For `serve`. Default: no TLS. */
  readonly serverTls?: RpcServerTlsOptions;
  /**
   * For `serve`: the origins whose pages may call, as `https://example.org`, or `*` for every one. Default: none, so that
   * browsers let only pages of the server's own origin read its answers.
   */
  readonly allowedOrigins?: readonly string[];
  /** Default `defaultRpcLimits`. What waits unread is bounded by `windowBytes`; `bufferedMessages` is not used. */
  readonly limits?: Partial<RpcLimits>;
  /** A ping after so long without one. Default 30 s; a stock SeaweedFS bears nothing below 20 s (protocol.md §1). */
  readonly keepaliveTimeMs?: number;
  /** How long a ping may go unanswered before the connection counts as gone. Default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /** What one stream may have under way unread, and so what a paused reader costs in memory. Default 8 MiB. */
  readonly windowBytes?: number;
}

/** Every option with its default filled in. */
export interface ConnectSettings {
  readonly protocol: ConnectProtocol;
  readonly tls: RpcTlsOptions | undefined;
  readonly serverTls: RpcServerTlsOptions | undefined;
  readonly allowedOrigins: readonly string[];
  readonly limits: RpcLimits;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly windowBytes: number;
}

export function connectSettings(options: ConnectTransportOptions): ConnectSettings {
  return {
    protocol: options.protocol ?? 'grpc',
    tls: options.tls,
    serverTls: options.serverTls,
    allowedOrigins: options.allowedOrigins ?? [],
    limits: { ...defaultRpcLimits, ...options.limits },
    keepaliveTimeMs: options.keepaliveTimeMs ?? 30_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 20_000,
    windowBytes: options.windowBytes ?? 8 * MiB,
  };
}
