import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from '@bufbuild/protobuf';
import type { RpcError } from './rpc-error.js';

export type UnaryMethod<
  I extends DescMessage = DescMessage,
  O extends DescMessage = DescMessage,
> = DescMethodUnary<I, O>;

export type StreamMethod<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> =
  | DescMethodServerStreaming<I, O>
  | DescMethodClientStreaming<I, O>
  | DescMethodBiDiStreaming<I, O>;

export interface RpcCallOptions {
  /** Aborting it ends the call at once with code `canceled`, on both sides. */
  readonly signal: AbortSignal;
  /** The whole call's deadline. None by default; long streams have a no-bytes watchdog of their caller instead. */
  readonly timeoutMs?: number;
  /**
   * Of a stream: its reader is done with a message, and with every byte in it, when it asks for the next, so that their
   * memory may be used again. Default false: a message holds for as long as somebody has it.
   */
  readonly reusesMessages?: boolean;
}

/**
 * One connection to one server. It never reconnects and never retries: once it is gone, every call on it fails
 * with code `unavailable`, so that whatever was read over one `RpcConnection` came from one server process.
 */
export interface RpcConnection {
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    options: RpcCallOptions,
  ): Promise<MessageShape<O>>;
  /**
   * Leaving the iteration early cancels the call. A reader that stops reading stops the sender: at most
   * `RpcLimits.bufferedMessages` messages wait here.
   */
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    options: RpcCallOptions,
  ): AsyncIterable<MessageShape<O>>;
  /** Everything that has come over it, parts of messages that are still on their way included. */
  readonly receivedBytes: number;
  /** Resolves when the connection is gone: with its error, or with nothing after `close`. Never rejects. */
  readonly closed: Promise<RpcError | undefined>;
  /** Ends every call on it. Idempotent. */
  close(): Promise<void>;
}

/** The hinge between everything that speaks and the networks that carry it. */
export interface RpcTransport {
  /** Connects now, and fails with `unavailable` (or `unauthenticated`, for TLS) if it cannot. */
  connect(address: string, options: RpcCallOptions): Promise<RpcConnection>;
}

/** What a handler knows of a call that it answers. */
export interface RpcHandlerContext {
  /** Aborts when the caller cancels, its deadline passes or its connection breaks. */
  readonly signal: AbortSignal;
  /** The peer, as text: `127.0.0.1:50000`, `::1:50000`, or a name in a memory network. */
  readonly peer: string;
  /** Of the certificate that the client has shown and that the server's `clientCa` vouches for. */
  readonly peerCommonName?: string | undefined;
}

export type UnaryHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  request: MessageShape<I>,
  context: RpcHandlerContext,
) => Promise<MessageShape<O>>;

export type StreamHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: RpcHandlerContext,
) => AsyncIterable<MessageShape<O>>;

/** One service with its handlers, keyed by the method's `localName`. A method without one answers `unimplemented`. */
export interface RpcService {
  readonly service: DescService;
  readonly unary: Readonly<Record<string, UnaryHandler<never, never> | undefined>>;
  readonly streams: Readonly<Record<string, StreamHandler<never, never> | undefined>>;
}

export interface RpcListener {
  /** `host:port`, the port as really bound. */
  readonly address: string;
  /** Stops listening, ends every call with `unavailable`, resolves when nothing is left. Idempotent. */
  close(): Promise<void>;
}

export interface RpcServerTransport {
  /** `address` is `host:port`; port 0 takes a free one. */
  serve(address: string, services: readonly RpcService[]): Promise<RpcListener>;
}
