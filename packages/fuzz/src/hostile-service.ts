import {
  type DescMessage,
  fromBinary,
  type MessageShape,
  RpcError,
  type RpcService,
  type StreamHandler,
  toBinary,
  type UnaryHandler,
} from '@holdfast/protocol';
import { changeMessage } from './change-message.js';
import { createDice, type Dice } from './dice.js';
import { mutate } from './mutate.js';

/** One lie: about which answer, and of what kind and content. */
export interface Lie {
  /** Below 128 the number of the one answer, over all calls; from 128 on that of a method: each of its answers. */
  readonly answer: number;
  readonly seed: number;
}

/** Five bytes each. */
export function parseLies(input: Uint8Array): Lie[] {
  const lies: Lie[] = [];
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  for (let at = 0; at + 5 <= input.length; at += 5)
    lies.push({ answer: view.getUint8(at), seed: view.getUint32(at + 1) });
  return lies;
}

const ALWAYS = 128;

export function makeLies(dice: Dice, answers: number): Uint8Array {
  const lies = new Uint8Array(5 * (1 + dice.below(3)));
  const view = new DataView(lies.buffer);
  for (let at = 0; at < lies.length; at += 5) {
    view.setUint8(at, dice.once(3) ? ALWAYS + dice.below(256 - ALWAYS) : dice.below(answers));
    view.setUint32(at + 1, dice.below(2 ** 32));
  }
  return lies;
}

const CODES = ['unavailable', 'unknown', 'internal', 'not-found', 'resource-exhausted', 'data-loss'] as const;

/** Whether it is told whenever its method is called. */
export function isEverlasting({ answer }: Lie): boolean {
  return answer >= ALWAYS;
}

/** Gives true answers but for the ones that are lied about, counted over all calls: changed, left out, given twice, an error instead. */
export function hostileService(honest: RpcService, lies: readonly Lie[]): RpcService {
  const served = honest.service.methods.filter(
    ({ localName }) => honest.unary[localName] !== undefined || honest.streams[localName] !== undefined,
  );
  let answers = 0;
  const former: Uint8Array[] = [];

  /** What is said in place of an answer: nothing, one message or two. */
  function told<O extends DescMessage>(
    method: number,
    output: O,
    message: MessageShape<O>,
  ): MessageShape<O>[] {
    const bytes = toBinary(output, message);
    const lie = lies.find((lie) =>
      isEverlasting(lie) ? (lie.answer - ALWAYS) % served.length === method : lie.answer === answers,
    );
    answers++;
    former.push(bytes);
    if (lie === undefined) return [message];
    const dice = createDice(lie.seed);
    const kind = dice.below(16);
    if (kind === 0) throw new RpcError(dice.pick(CODES), 'a lie: volume 7 not found, EOF');
    if (kind === 1) return [];
    if (kind === 2) return [message, message];
    if (kind < 12) return [changeMessage(output, message, dice)];
    return [decoded(output, mutate(dice, [bytes, bytes, dice.pick(former)]))];
  }

  const unary: Record<string, UnaryHandler<never, never>> = {};
  const streams: Record<string, StreamHandler<never, never>> = {};
  for (const [number, { localName, output }] of served.entries()) {
    const one = honest.unary[localName] as UnaryHandler | undefined;
    const many = honest.streams[localName] as StreamHandler | undefined;
    if (one !== undefined) {
      const answer: UnaryHandler = async (request, context) => {
        const [message] = told(number, output, await one(request, context));
        if (message === undefined) throw new RpcError('unavailable', 'a lie: gone');
        return message;
      };
      unary[localName] = answer as UnaryHandler<never, never>;
    }
    if (many !== undefined) {
      const answer: StreamHandler = async function* (requests, context) {
        for await (const message of many(requests, context)) yield* told(number, output, message);
      };
      streams[localName] = answer as StreamHandler<never, never>;
    }
  }
  return { service: honest.service, unary, streams };
}

/** As a transport does it: what is no message ends the call. */
export function decoded<D extends DescMessage>(description: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(description, bytes);
  } catch (cause) {
    throw new RpcError('internal', 'what came is no message', cause);
  }
}
