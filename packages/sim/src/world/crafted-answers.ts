import {
  type DescMessage,
  fromBinary,
  type MessageShape,
  type RpcServerTransport,
  type RpcService,
  type StreamHandler,
  toBinary,
  type UnaryHandler,
} from '@holdfast/protocol';
import { createSeededRandom, type SimulatedScheduler } from '@holdfast/testkit';
import { createDice, type Dice } from '../schedule/dice.js';
import type { CraftedLie } from '../schedule/schedule.js';

/** What a leader says that means harm, from some moment on until its lies are told. */
export interface CraftedAnswers {
  /** Whoever serves here lies when it is told to. */
  readonly network: RpcServerTransport;
  tell(lie: CraftedLie): void;
  /** The run is over, and so are the lies. */
  end(): void;
}

export interface CraftedAnswersOptions {
  readonly network: RpcServerTransport;
  readonly scheduler: SimulatedScheduler;
  /** An answer was another one. */
  readonly onTold: (kind: CraftedLie['kind']) => void;
  /** A stream was read on and on, though it brought nothing that had been asked for. */
  readonly onExcess: (what: string) => void;
}

/** Answers that one lie changes, streams apart. */
const ANSWERS_MAX = 6;
/** Messages of an endless stream until its reader should have had enough. */
const EXCESS_MESSAGES = 3000;
const BETWEEN_MESSAGES_MS = 20;

type Fields = Record<string, unknown>;

export function createCraftedAnswers(options: CraftedAnswersOptions): CraftedAnswers {
  const { network, scheduler, onTold, onExcess } = options;
  const { timers } = scheduler.time;
  let lie: CraftedLie | undefined;
  let dice: Dice = createDice(createSeededRandom(0));
  let left = 0;

  function craft<O extends DescMessage>(output: O, message: MessageShape<O>): MessageShape<O> {
    if (lie === undefined || left === 0) return message;
    const copy = fromBinary(output, toBinary(output, message));
    if (!CRAFTS[lie.kind](copy as unknown as Fields, dice)) return message;
    left -= 1;
    onTold(lie.kind);
    return copy;
  }

  /** What follows for ever, where that is the lie. */
  async function* goOn<O extends DescMessage>(
    name: string,
    output: O,
    last: MessageShape<O> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>, void> {
    const told = lie?.kind;
    if (told !== 'endless' && told !== 'empty') return;
    const message = told === 'endless' ? last : fromBinary(output, new Uint8Array(0));
    if (message === undefined) return;
    onTold(told);
    // A follower that stays until it is ended takes whatever comes until then.
    const isOpenEnded = name === 'volumeFollow';
    for (let count = 1; !signal.aborted; count++) {
      if (count > EXCESS_MESSAGES && !isOpenEnded)
        return onExcess(`${name} with ${count} messages of ${told}`);
      yield message;
      await timers.sleep(BETWEEN_MESSAGES_MS);
    }
  }

  function lying(honest: RpcService): RpcService {
    const unary: Record<string, UnaryHandler<never, never>> = {};
    const streams: Record<string, StreamHandler<never, never>> = {};
    for (const { localName, output } of honest.service.methods) {
      const one = honest.unary[localName] as UnaryHandler | undefined;
      const many = honest.streams[localName] as StreamHandler | undefined;
      if (one !== undefined) {
        const answer: UnaryHandler = async (request, context) => craft(output, await one(request, context));
        unary[localName] = answer as UnaryHandler<never, never>;
      }
      if (many === undefined) continue;
      const answer: StreamHandler = async function* (requests, context) {
        let last: MessageShape<DescMessage> | undefined;
        if (lie?.kind === 'empty') yield* goOn(localName, output, undefined, context.signal);
        for await (const message of many(requests, context)) {
          last = message;
          yield craft(output, message);
        }
        if (lie?.kind === 'endless') yield* goOn(localName, output, last, context.signal);
      };
      streams[localName] = answer as StreamHandler<never, never>;
    }
    return { service: honest.service, unary, streams };
  }

  return {
    network: { serve: (address, services) => network.serve(address, services.map(lying)) },
    tell(told) {
      lie = told;
      dice = createDice(createSeededRandom(told.seed));
      left = 1 + dice.below(ANSWERS_MAX);
    },
    end() {
      lie = undefined;
    },
  };
}

/** Changes a message, or tells that it has nothing of the kind. */
const CRAFTS: Readonly<Record<CraftedLie['kind'], (fields: Fields, dice: Dice) => boolean>> = {
  sizes: (fields, dice) => changeBigint(fields, dice),
  shape: changeShape,
  longer: (fields, dice) =>
    changeBytes(fields, (bytes) => Buffer.concat([bytes, dice.bytes(1 + dice.below(2 ** dice.below(18)))])),
  shorter: (fields, dice) => changeBytes(fields, (bytes) => bytes.subarray(0, dice.below(bytes.length))),
  entries: (fields, dice) => changeBytes(fields, (bytes) => withOtherEntry(bytes, dice)),
  endless: () => false,
  empty: () => false,
};

const SIZES: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  9n,
  15n,
  2n ** 35n,
  2n ** 43n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
];

function changeBigint(fields: Fields, dice: Dice): boolean {
  const names = Object.keys(fields).filter(
    (name) => typeof fields[name] === 'bigint' && /size|offset|bytes/i.test(name),
  );
  if (names.length === 0) return false;
  const name = dice.oneOf(names);
  const value = fields[name] as bigint;
  const near = value + BigInt(dice.oneOf([-64, -17, -16, -8, -1, 1, 8, 16, 17, 64]));
  fields[name] = dice.chance(0.5) ? dice.oneOf(SIZES) : near < 0n ? 0n : near;
  return true;
}

/** Widths, versions and revisions of other volumes, and of none. */
function changeShape(fields: Fields, dice: Dice): boolean {
  const places = [fields, fields.volumeInfo as Fields | undefined].flatMap((place) =>
    Object.keys(place ?? {})
      .filter((name) => typeof place?.[name] === 'number' && /version|width|bytesOffset|revision/i.test(name))
      .map((name) => ({ place: place as Fields, name })),
  );
  if (places.length === 0) return false;
  const { place, name } = dice.oneOf(places);
  place[name] = dice.oneOf([0, 1, 2, 3, 4, 5, 17, 255, 65_535, 65_536, 2 ** 31 - 1]);
  return true;
}

function changeBytes(fields: Fields, change: (bytes: Uint8Array) => Uint8Array): boolean {
  const event = fields.event as { value?: unknown } | undefined;
  const place = event?.value instanceof Uint8Array ? (event as Fields) : fields;
  const name = Object.keys(place).find(
    (key) => (place[key] as Uint8Array | undefined)?.length && place[key] instanceof Uint8Array,
  );
  if (name === undefined) return false;
  place[name] = change(place[name] as Uint8Array);
  return true;
}

/** What would be an entry, if this is an index, speaks of another place, another length, or the place of the one before. */
function withOtherEntry(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = bytes.slice();
  const width = dice.oneOf([4, 5]);
  const rowBytes = 12 + width;
  const rows = Math.floor(copy.length / rowBytes);
  if (rows === 0) return copy.fill(255);
  const at = dice.below(rows) * rowBytes + 8;
  const kind = dice.below(4);
  if (kind === 0) copy.fill(255, at, at + width);
  else if (kind === 1) copy.set([127, 255, 255, 255], at + width);
  else if (kind === 2 && at >= rowBytes) copy.copyWithin(at, at - rowBytes, at - rowBytes + width);
  else copy.fill(0, at, at + width);
  return copy;
}
