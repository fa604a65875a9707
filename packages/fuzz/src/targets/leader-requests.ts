import {
  create,
  createMemoryNetwork,
  type DescMessage,
  followPb,
  type MessageShape,
  type RpcConnection,
  RpcError,
  type StreamMethod,
  toBinary,
  type UnaryMethod,
  volumeServerPb,
} from '@holdfast/protocol';
import { createSimulatedScheduler } from '@holdfast/testkit';
import { changeMessage } from '../change-message.js';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { decoded } from '../hostile-service.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';
import {
  createServedFiles,
  expectServing,
  openServedStore,
  SERVED_VOLUME_ID,
  servicesOf,
} from '../served-volume.js';

type DescMethod = (typeof followPb.FollowService.methods)[number];

const METHODS: readonly DescMethod[] = [
  ...followPb.FollowService.methods,
  ...volumeServerPb.VolumeServer.methods,
];
/** What may well take the volume, or its needles, away. */
const TAKING = /delete|unmount|receive|write|copy|vacuum|readonly|leave|configure|server/i;
const REQUESTS = 3;
const ANSWERS_MAX = 40;
const LIMIT_MS = 3_600_000;

/** Up to three calls of a client that means no good, to both services of a leader. */
export const leaderRequests: FuzzTarget = {
  name: 'leader-requests',
  share: 4,
  async prepare() {
    const scheduler = createSimulatedScheduler();
    const made = await scheduler.run(() => createServedFiles(scheduler.time.timers), LIMIT_MS);
    if (made.kind !== 'done') throw new Error(`the volume is not made: ${made.kind}`);
    const files = made.value;
    return {
      make: (dice) =>
        packParts(
          Array.from({ length: REQUESTS }, () => makeRequest(dice)).flatMap(({ number, bytes }) => [
            Uint8Array.of(number),
            bytes,
          ]),
        ),
      async run(input) {
        const world = createSimulatedScheduler();
        const end = await world.run(() => converse(input, files, world.time.timers), LIMIT_MS);
        if (end.kind === 'failed') throw end.error;
        expectThat(end.kind === 'done', `it is ${end.kind}`);
      },
    };
  },
};

function makeRequest(dice: Dice): { readonly number: number; readonly bytes: Uint8Array } {
  const number = dice.below(METHODS.length);
  const { input } = METHODS[number]!;
  let message = create(input);
  if ('volumeId' in message) Object.assign(message, { volumeId: SERVED_VOLUME_ID });
  for (let changes = dice.below(5); changes > 0; changes--) message = changeMessage(input, message, dice);
  const bytes = toBinary(input, message);
  return { number, bytes: dice.once(4) ? mutate(dice, [bytes]) : bytes };
}

async function converse(
  input: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
  timers: ReturnType<typeof createSimulatedScheduler>['time']['timers'],
): Promise<void> {
  const { env, store } = await openServedStore(files, timers);
  const network = createMemoryNetwork({ timers });
  await network.serve('leader:1', await servicesOf(env, store, timers));
  const { signal } = new AbortController();
  const connection = await network.connect('leader:1', { signal });
  const parts = unpackParts(input, 2 * REQUESTS);
  let mayBeGone = false;
  for (let at = 0; at < parts.length; at += 2) {
    const method = METHODS[(parts[at]![0] ?? 0) % METHODS.length]!;
    mayBeGone ||= TAKING.test(method.name);
    try {
      await call(connection, method, decoded(method.input, parts[at + 1]!));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      expectThat(!/is not a function|undefined|Cannot read|Invalid array/.test(error.message), error.message);
    }
  }
  await connection.close();
  await expectServing(env, store, mayBeGone);
}

/** Of a stream that stays open so much as is enough. */
async function call(
  connection: RpcConnection,
  method: DescMethod,
  request: MessageShape<DescMessage>,
): Promise<void> {
  const options = { signal: new AbortController().signal, timeoutMs: 60_000 };
  if (method.methodKind === 'unary') {
    await connection.unary(method as UnaryMethod, request, options);
    return;
  }
  let answers = 0;
  for await (const _ of connection.stream(method as StreamMethod, one(request), options))
    if (++answers === ANSWERS_MAX) return;
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
