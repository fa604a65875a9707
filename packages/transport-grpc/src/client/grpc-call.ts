import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  type RpcCallOptions,
  RpcError,
  type RpcLimits,
  rpcPath,
  type StreamMethod,
  toRpcError,
  type UnaryMethod,
} from '@holdfast/protocol';
import type { ClientSession, ClientStream, StreamListener } from '../http2/client-session.js';
import { encodeFields } from '../http2/header-block.js';
import { decodeMessage, encodeMessage } from '../message-codec.js';
import { failureOfFields, failureOfReset } from './call-status.js';
import { createReusedMemory, frameMessage, newMemory } from './message-framing.js';
import { createReceivedMessages } from './received-messages.js';

/** What eight digits hold: gRPC's `grpc-timeout` has no more. */
const MAX_TIMEOUT_MS = 99_999_999;

/** Where calls go, with the fields that are the same in each of them. */
export interface CallTarget {
  readonly session: ClientSession;
  readonly limits: RpcLimits;
  /** Before the path, and after it: those with a colon come first (RFC 9113 §8.3). */
  readonly fieldsBefore: Uint8Array;
  readonly fieldsAfter: Uint8Array;
}

export function createCallTarget(
  session: ClientSession,
  scheme: 'http' | 'https',
  authority: string,
  limits: RpcLimits,
): CallTarget {
  return {
    session,
    limits,
    fieldsBefore: encodeFields([
      [':method', 'POST'],
      [':scheme', scheme],
      [':authority', authority],
    ]),
    fieldsAfter: encodeFields([
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'holdfast'],
    ]),
  };
}

/** A call as its connection sees it: something to end when the connection ends. */
export interface GrpcCall<O> {
  readonly responses: AsyncGenerator<O, void>;
  /** What has come by now is still handed on before the error. */
  abort(error: RpcError): void;
}

/** Starts it now. */
export function startGrpcCall<I extends DescMessage, O extends DescMessage>(
  target: CallTarget,
  method: UnaryMethod<I, O> | StreamMethod<I, O>,
  requests: AsyncIterable<MessageShape<I>>,
  options: RpcCallOptions,
): GrpcCall<MessageShape<O>> {
  const { session } = target;
  const { signal } = options;
  const path = rpcPath(method);
  const timeoutMs = options.timeoutMs === undefined ? undefined : Math.min(options.timeoutMs, MAX_TIMEOUT_MS);
  const memory = options.reusesMessages ? createReusedMemory() : newMemory;
  const messages = createReceivedMessages(target.limits, memory, (bytes) => stream?.release(bytes));
  let stream: ClientStream | undefined;
  /** By the server's last fields. */
  let failure: RpcError | undefined;
  let hasStatus = false;
  /** `undefined` while the call goes on. */
  let outcome: RpcError | 'ok' | undefined;
  let wake: (() => void) | undefined;

  function end(how: RpcError | 'ok'): void {
    if (outcome !== undefined) return;
    outcome = how;
    clearTimeout(deadline);
    signal.removeEventListener('abort', onAbort);
    stream?.cancel();
    wake?.();
  }

  const onAbort = () => end(new RpcError('canceled', `${path}: canceled by the caller`));
  signal.addEventListener('abort', onAbort, { once: true });
  const deadline =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => end(new RpcError('deadline-exceeded', `${path}: no answer within ${timeoutMs} ms`)),
          timeoutMs,
        );

  const listener: StreamListener = {
    onHeaders(fields) {
      if (fields.get(':status')?.startsWith('1')) return;
      hasStatus = fields.has('grpc-status');
      failure = failureOfFields(fields);
      if (failure !== undefined && !hasStatus) end(failure);
    },
    onData(part) {
      try {
        messages.push(part);
        wake?.();
      } catch (error) {
        end(toRpcError(error));
      }
    },
    onEnd: () =>
      end(
        hasStatus ? (failure ?? 'ok') : new RpcError('internal', `${path}: the answer ends without a status`),
      ),
    onReset: (code) => end(failureOfReset(code)),
  };

  async function sendAll(): Promise<void> {
    while (session.isFull() && outcome === undefined) await session.changed();
    if (outcome !== undefined) return;
    const opened = session.open(headerBlock(target, path, timeoutMs), listener);
    stream = opened;
    for await (const request of requests) {
      if (outcome !== undefined) return;
      await opened.send(frameMessage(encodeMessage(method.input, request)));
    }
    opened.end();
  }

  async function* responses(): AsyncGenerator<MessageShape<O>, void> {
    try {
      for (;;) {
        if (signal.aborted && outcome !== 'ok') throw outcome;
        const message = messages.take();
        if (message !== undefined) {
          yield decodeMessage(method.output, message);
          memory.giveBack(message);
        } else if (outcome === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else break;
      }
      if (outcome !== 'ok') throw outcome;
      if (!messages.isEmpty()) throw new RpcError('internal', `${path}: the answer ends inside a message`);
    } finally {
      if (outcome === undefined) onAbort();
    }
  }

  void sendAll().catch((error: unknown) => end(toRpcError(error)));
  return { responses: responses(), abort: end };
}

function headerBlock(target: CallTarget, path: string, timeoutMs: number | undefined): Uint8Array {
  const timeout = timeoutMs === undefined ? undefined : `${Math.max(1, Math.ceil(timeoutMs))}m`;
  return Buffer.concat([
    target.fieldsBefore,
    encodeFields([[':path', path]]),
    target.fieldsAfter,
    encodeFields(timeout === undefined ? [] : [['grpc-timeout', timeout]]),
  ]);
}
