import { createRpcService, fromBinary, toBinary, volumeServerPb } from '@holdfast/protocol';
import { createSimulatedNetwork, createSimulatedScheduler } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import {
  describeFailure,
  generateSchedule,
  runSchedule,
  type Schedule,
  shrunkFailure,
} from '../src/index.js';
import { addFigures, type Figures } from '../src/run/figures.js';
import type { CraftedLie, LeaderKind, Operation } from '../src/schedule/schedule.js';
import { createCraftedAnswers } from '../src/world/crafted-answers.js';

const KINDS = ['sizes', 'shape', 'longer', 'shorter', 'entries', 'endless', 'empty'] as const;
const LEADERS: readonly LeaderKind[] = ['stock-4.48', 'stock-4.44', 'holdfast'];
const SEEDS = 12;

const put = (needle: number): Operation => ({
  do: 'put',
  volume: 7,
  needle,
  sizeBytes: 400 + needle,
  fill: needle,
});

/** A copy, or none yet; then one lie, early in a run over a leader that has gone on or was compacted. */
function scheduleOf(kind: CraftedLie['kind'], leader: LeaderKind, seed: number): Schedule {
  const lie = {
    before: 'message',
    count: 1 + ((seed * 5) % 24),
    event: { do: 'craft', kind, seed },
  } as const;
  const { world } = generateSchedule(1, 'safety');
  const steps = (['default', 'small', 'least'] as const)[seed % 3]!;
  return {
    seed,
    mode: 'safety',
    world: {
      ...world,
      leader,
      volumeIds: [7],
      version: 3,
      isHostile: true,
      capacityBytes: null,
      steps,
      queuedShare: 0,
    },
    operations: [
      ...[1, 2, 3, 4, 5, 6].map(put),
      ...(seed % 4 === 0 ? [] : ([{ do: 'backup', seed: 1, moments: [] }] as const)),
      ...[7, 8, 2].map(put),
      ...(seed % 2 === 0 ? ([{ do: 'vacuum', volume: 7, choice: 0 }] as const) : []),
      seed % 5 === 0
        ? { do: 'follow', seed: 2, forMs: 20_000, moments: [lie] }
        : { do: 'backup', seed: 2, moments: [lie] },
    ],
  };
}

test.each(KINDS)(
  'a leader that means harm, with %s: what was reported is still there, and the run ends',
  async (kind) => {
    const figures: Figures = {};
    for (const leader of LEADERS)
      for (let seed = 1; seed <= SEEDS; seed++) {
        const schedule = scheduleOf(kind, leader, seed);
        const result = await runSchedule(schedule);
        if (result.violation !== undefined)
          expect.fail(describeFailure(await shrunkFailure(schedule, result)));
        addFigures(figures, result.figures);
      }
    expect(figures[`lies told: ${kind}`]).toBeGreaterThan(SEEDS);
    expect(figures['good generations after lies']).toBeGreaterThan(SEEDS);
  },
);

test('a reader that never has enough is found out', async () => {
  const scheduler = createSimulatedScheduler();
  const network = createSimulatedNetwork({ scheduler });
  const excesses: string[] = [];
  const crafted = createCraftedAnswers({
    network,
    scheduler,
    onTold() {},
    onExcess: (what) => excesses.push(what),
  });
  await crafted.network.serve('server:1', [
    createRpcService(volumeServerPb.VolumeServer, {
      async *copyFile() {
        yield fromBinary(volumeServerPb.CopyFileResponseSchema, new Uint8Array(0));
      },
    }),
  ]);
  crafted.tell({ kind: 'endless', seed: 1 });
  const { signal } = new AbortController();
  await scheduler.run(async () => {
    const { copyFile } = volumeServerPb.VolumeServer.method;
    const connection = await network.connect('server:1', { signal });
    const requests = (async function* () {
      yield fromBinary(copyFile.input, new Uint8Array(0));
    })();
    for await (const message of connection.stream(copyFile, requests, { signal }))
      toBinary(copyFile.output, message);
  }, 3_600_000);
  expect(excesses).toEqual([expect.stringContaining('copyFile')]);
});
