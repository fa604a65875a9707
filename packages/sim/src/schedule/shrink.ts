import type { Moment, Operation, Schedule, World } from './schedule.js';

/** Whether a schedule still fails in the same way. */
export type StillFails = (schedule: Schedule) => Promise<boolean>;

/** Runs that a shrink may take. */
const TRIES_MAX = 400;

/** Worlds that a failure is easier to follow in, tried one by one. */
const PLAINER: readonly Partial<World>[] = [
  { queuedShare: 0 },
  { steps: 'default' },
  { hasLinks: true },
  { capacityBytes: null },
  { tearBytes: 512 },
  { messageBytes: 2 << 20 },
  { isProxied: false },
  { collection: '' },
  { servers: 1 },
  { failoverAfterMs: null },
  { pruneAfterMs: null },
  { keepForMs: 72 * 3600 * 1000 },
  { keepGenerations: 1 },
  { maxLoss: 0.2 },
];

/**
 * A schedule with as few operations and moments as it takes to fail: pieces are left out, ever smaller ones, as long as
 * that fails too, and then what is left is made plainer.
 */
export async function shrink(schedule: Schedule, stillFails: StillFails): Promise<Schedule> {
  let tries = 0;
  let best = schedule;
  const attempt = async (candidate: Schedule): Promise<boolean> => {
    if (tries++ >= TRIES_MAX || !(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };

  await withoutPieces(
    () => best.operations,
    (operations) => attempt({ ...best, operations }),
  );
  for (let at = 0; at < best.operations.length; at++) {
    const momentsAt = (): readonly Moment[] => {
      const operation = best.operations[at];
      return operation !== undefined && 'moments' in operation ? operation.moments : [];
    };
    await withoutPieces(momentsAt, (moments) => attempt(withOperation(best, at, { moments })));
  }
  for (const change of PLAINER) await attempt({ ...best, world: { ...best.world, ...change } });
  for (let at = 0; at < best.operations.length; at++) {
    const operation = best.operations[at];
    if (operation?.do === 'put' && operation.sizeBytes > 8)
      await attempt(withOperation(best, at, { sizeBytes: 8 }));
  }
  return best;
}

async function withoutPieces<T>(
  present: () => readonly T[],
  attempt: (items: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(present().length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < present().length; ) {
      const items = present();
      if (!(await attempt([...items.slice(0, at), ...items.slice(at + size)]))) at += size;
    }
  }
}

function withOperation(schedule: Schedule, at: number, changes: object): Schedule {
  const operations = schedule.operations.map((operation, i) =>
    i === at ? ({ ...operation, ...changes } as Operation) : operation,
  );
  return { ...schedule, operations };
}
