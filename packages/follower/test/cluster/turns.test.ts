import { createVirtualTime } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';
import { createTurns, type Turn, type TurnLimits } from '../../src/cluster/turns.js';

/** Turns that last until they are told to end. */
function createStage(limits: Partial<TurnLimits> = {}) {
  const time = createVirtualTime();
  const failures: unknown[] = [];
  const turns = createTurns({ clock: time.clock, limits, onFailure: (error) => failures.push(error) });
  const running = new Map<string, { end: (error?: Error) => void; stall: () => void }>();
  const order: string[] = [];
  const request = (server: string, key: string, isLong = false) =>
    turns.request({
      key,
      server,
      isLong,
      run: ({ activity }: Turn) =>
        new Promise<void>((resolve, reject) => {
          order.push(key);
          const end = (error?: Error) => {
            running.delete(key);
            if (error === undefined) resolve();
            else reject(error);
          };
          const stall = () => {
            const leader = activity.watch({
              address: server,
              sweep: async () => [],
              openSession: () => new Promise(() => undefined),
            });
            void leader.openSession(new AbortController().signal);
          };
          running.set(key, { end, stall });
        }),
    });
  const end = async (key: string, error?: Error) => {
    running.get(key)!.end(error);
    await time.advance(0);
  };
  const names = () => [...running.keys()];
  return { time, turns, request, end, running, order, names, failures };
}

describe('turns', () => {
  it('servers take turns; the volumes of one come in order', async () => {
    const { turns, request, end, names, order } = createStage({ turnsAtOnce: 1, turnsPerServer: 1 });
    for (const number of [1, 2, 3]) request('a', `a${number}`);
    for (const number of [1, 2, 3]) request('b', `b${number}`);
    request('c', 'c1');
    turns.review();
    while (names().length > 0) await end(names()[0]!);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'b3']);
    await turns.idle();
  });

  it('a server has no more places than its own, all together no more than all', () => {
    const { turns, request, names } = createStage({ turnsAtOnce: 3, turnsPerServer: 2 });
    for (const server of ['a', 'b', 'c'])
      for (const number of [1, 2, 3]) request(server, `${server}${number}`);
    turns.review();
    expect(names()).toEqual(['a1', 'b1', 'c1']);
  });

  it('first copies leave the short ones their places', async () => {
    const { turns, request, names, end } = createStage({ turnsAtOnce: 2, turnsPerServer: 2 });
    for (const number of [1, 2, 3, 4]) request('a', `copy${number}`, true);
    for (const number of [1, 2, 3, 4]) request('a', `append${number}`);
    turns.review();
    expect(names().sort()).toEqual(['append1', 'append2', 'copy1', 'copy2']);
    await end('append1');
    expect(names().sort()).toEqual(['append2', 'append3', 'copy1', 'copy2']);
  });

  it('a short turn that takes long becomes a long one', async () => {
    const { time, turns, request, names } = createStage({ turnsAtOnce: 1, longAfterMs: 10_000 });
    request('a', 'a1');
    request('b', 'b1');
    request('c', 'c1');
    turns.review();
    await time.advance(9_000);
    turns.review();
    expect(names()).toEqual(['a1']);
    await time.advance(1_000);
    turns.review();
    expect(names()).toEqual(['a1', 'b1']);
    await time.advance(20_000);
    turns.review();
    expect(names()).toEqual(['a1', 'b1']);
  });

  it('one that its leader keeps waiting has no place, and a server that keeps many waiting gets no more', async () => {
    const limits = { turnsAtOnce: 2, turnsPerServer: 2, stalledPerServer: 4, stalledAfterMs: 5_000 };
    const { time, turns, request, running, names } = createStage(limits);
    for (const number of [1, 2, 3, 4, 5, 6]) request('deaf', `deaf${number}`);
    turns.review();
    for (let round = 0; round < 4; round++) {
      for (const { stall } of running.values()) stall();
      await time.advance(5_000);
      turns.review();
    }
    expect(names()).toEqual(['deaf1', 'deaf2', 'deaf3', 'deaf4']);
    request('good', 'good1');
    request('good', 'good2');
    turns.review();
    expect(names()).toEqual(['deaf1', 'deaf2', 'deaf3', 'deaf4', 'good1', 'good2']);
  });

  it('a turn that fails is told, and makes room', async () => {
    const { turns, request, end, names, failures } = createStage({ turnsAtOnce: 1 });
    request('a', 'a1');
    request('a', 'a2');
    turns.review();
    await end('a1', new Error('unexpected'));
    expect(failures).toHaveLength(1);
    expect(names()).toEqual(['a2']);
    expect([turns.has('a1'), turns.has('a2')]).toEqual([false, true]);
  });
});
