import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type ChannelInterface, status as grpcStatus, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { StreamMethod, UnaryMethod } from '@holdfast/protocol';
import { codeOfGrpcStatus, type RpcCallOptions, RpcError, rpcPath, toRpcError } from '@holdfast/protocol';
import { decodeMessage, encodeMessage } from './message-codec.js';

type Call = ReturnType<ChannelInterface['createCall']>;

/** A call as its connection sees it: something to end when the connection ends. */
export interface ClientCall<O> {
  readonly responses: AsyncGenerator<O, void>;
  abort(error: RpcError): void;
}

/**
 * One call on the channel itself, below grpc-js's own streams: those take up to 16 messages from a paused reader's
 * server, this takes one message more than was asked for.
 */
export function startClientCall<I extends DescMessage, O extends DescMessage>(
  channel: ChannelInterface,
  method: UnaryMethod<I, O> | StreamMethod<I, O>,
  requests: AsyncIterable<MessageShape<I>>,
  options: RpcCallOptions,
): ClientCall<MessageShape<O>> {
  const path = rpcPath(method);
  const deadline =
    options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.timeoutMs;
  const call = channel.createCall(path, deadline, null, null, null);
  let message: Buffer | undefined;
  let status: StatusObject | undefined;
  let ownFailure: RpcError | undefined;
  let wake: (() => void) | undefined;

  call.start(new Metadata(), {
    onReceiveMetadata: () => undefined,
    onReceiveMessage(received: Buffer) {
      message = received;
      wake?.();
    },
    onReceiveStatus(received) {
      status = received;
      wake?.();
    },
  });
  call.startRead();

  function abort(error: RpcError): void {
    if (status !== undefined || ownFailure !== undefined) return;
    ownFailure = error;
    call.cancelWithStatus(grpcStatus.CANCELLED, error.message);
    wake?.();
  }

  const onAbort = () => abort(new RpcError('canceled', `${path}: canceled by the caller`));
  options.signal.addEventListener('abort', onAbort, { once: true });
  void sendAll(call, method.input, requests, () => status !== undefined || ownFailure !== undefined).catch(
    (error: unknown) => abort(toRpcError(error)),
  );

  async function* responses(): AsyncGenerator<MessageShape<O>, void> {
    try {
      for (;;) {
        while (message === undefined && status === undefined && ownFailure === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (ownFailure !== undefined) throw ownFailure;
        if (message !== undefined) {
          const taken = message;
          message = undefined;
          call.startRead();
          yield decodeMessage(method.output, taken);
          continue;
        }
        if (status !== undefined && status.code !== grpcStatus.OK) {
          throw new RpcError(codeOfGrpcStatus(status.code), status.details);
        }
        return;
      }
    } finally {
      if (status === undefined) onAbort();
      options.signal.removeEventListener('abort', onAbort);
    }
  }

  return { responses: responses(), abort };
}

async function sendAll<I extends DescMessage>(
  call: Call,
  input: I,
  requests: AsyncIterable<MessageShape<I>>,
  ended: () => boolean,
): Promise<void> {
  for await (const request of requests) {
    if (ended()) return;
    await new Promise<void>((resolve) => {
      call.sendMessageWithContext({ callback: () => resolve() }, encodeMessage(input, request));
    });
  }
  if (!ended()) call.halfClose();
}
