import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { createGrpcTransport } from '@connectrpc/connect-node';
import type { StreamMethod, UnaryMethod } from '@holdfast/protocol';

// What this package uses of connect, typed by its own protobuf runtime: connect's types name those of whichever
// copy of the runtime stands beside it, and two copies' types do not agree.

/** connect's `Transport`. */
export interface CallTransport {
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
    header: undefined,
    input: MessageShape<I>,
  ): Promise<{ readonly message: MessageShape<O> }>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
    header: undefined,
    input: AsyncIterable<MessageShape<I>>,
  ): Promise<{ readonly message: AsyncIterable<MessageShape<O>> }>;
}

export type AnyMessage = MessageShape<DescMessage>;
export type AnyMessages = AsyncIterable<AnyMessage>;

/** connect's `ConnectRouter`. */
export interface RouteTarget {
  rpc(
    method: DescMethod,
    answer: (request: never, context: HandlerContext) => Promise<AnyMessage> | AnyMessages,
  ): unknown;
}

export type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]['sessionManager']>;
