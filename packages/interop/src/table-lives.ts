import type { WeedAllocateOptions, WeedVolumeServer } from './weed-volume-server.js';

/** What a step of a life does to volume `id` of a real server; a follower syncs after each. */
export type LifeStep = (server: WeedVolumeServer, id: number) => Promise<void>;

/** A life of a leader, out of the table of what `weed backup` gets wrong. */
export interface TableLife {
  readonly name: string;
  readonly allocate?: WeedAllocateOptions;
  readonly steps: readonly LifeStep[];
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function put(server: WeedVolumeServer, id: number, needleId: number, content: string): Promise<void> {
  const response = await server.put(id, BigInt(needleId), text(content));
  if (!response.ok) throw new Error(`put ${needleId}: HTTP ${response.status} ${await response.text()}`);
}

const puts =
  (from: number, to: number, what = 'needle'): LifeStep =>
  async (server, id) => {
    for (let needleId = from; needleId <= to; needleId++)
      await put(server, id, needleId, `${what} ${needleId} `.repeat(1 + (needleId % 40)));
  };

const deletes =
  (...needleIds: readonly number[]): LifeStep =>
  async (server, id) => {
    for (const needleId of needleIds) await server.delete(id, BigInt(needleId));
  };

const vacuum: LifeStep = async (server, id) => await server.vacuum(id);

const both =
  (...steps: readonly LifeStep[]): LifeStep =>
  async (server, id) => {
    for (const step of steps) await step(server, id);
  };

const nothing: LifeStep = async () => {};

const remake =
  (allocate: WeedAllocateOptions = {}): LifeStep =>
  async (server, id) => {
    await server.deleteVolume(id);
    await server.allocate(id, allocate);
  };

/** Real volumes of version 1 and 2 come of a remount (format.md §2). */
const remount: LifeStep = async (server, id) => {
  await server.unmount(id);
  await server.mount(id);
};

const writesDuringVacuum: LifeStep = async (server, id) => {
  await server.compact(id);
  await puts(31, 36, 'during')(server, id);
  await deletes(2, 32)(server, id);
  await put(server, id, 33, '');
  await server.commit(id);
  await server.cleanup(id);
};

const common: readonly LifeStep[] = [
  puts(1, 8),
  both(deletes(3, 5), puts(9, 10)),
  puts(2, 4, 'overwritten'),
  vacuum,
  puts(11, 13),
];

/** A vacuumed volume of version 1 or 2 is read-only until it is mounted again (format.md §8). */
const oldVersion: readonly LifeStep[] = [
  remount,
  ...common.slice(0, 3),
  vacuum,
  both(remount, puts(11, 13)),
  deletes(1, 12),
];

export const tableLives: readonly TableLife[] = [
  { name: 'delete, vacuum, append', steps: [puts(1, 9), both(deletes(2, 7), vacuum, puts(10, 12))] },
  { name: 'overwrite, vacuum, append', steps: [puts(1, 9), both(puts(1, 4, 'new'), vacuum, puts(10, 12))] },
  { name: 'overwrite, vacuum, nothing', steps: [puts(1, 9), both(puts(1, 4, 'new'), vacuum), nothing] },
  { name: 'a copy longer than its leader', steps: [puts(1, 30), both(deletes(1, 2, 3, 4, 5, 6), vacuum)] },
  { name: 'writes during a vacuum', steps: [puts(1, 20), writesDuringVacuum, puts(40, 42)] },
  { name: 'made anew under its id, longer', steps: [puts(1, 5), both(remake(), puts(1, 9, 'other'))] },
  { name: 'made anew under its id, equally long', steps: [puts(1, 5), both(remake(), puts(1, 5))] },
  { name: 'empty files', steps: [puts(1, 3), both(empties(2, 4, 6), deletes(4)), vacuum, empties(7)] },
  { name: 'version 1', allocate: { version: 1 }, steps: oldVersion },
  { name: 'version 2', allocate: { version: 2 }, steps: oldVersion },
  { name: 'version 2 by its label only', allocate: { version: 2 }, steps: [puts(1, 4), puts(5, 6)] },
  { name: 'a ttl', allocate: { ttl: '5d' }, steps: common },
  { name: 'a collection', allocate: { collection: 'my-coll.x_y' }, steps: common },
  {
    name: 'a replicated volume',
    allocate: { replication: '001' },
    steps: [replicas(1, 6), vacuum, replicas(7, 9)],
  },
];

function empties(...needleIds: readonly number[]): LifeStep {
  return async (server, id) => {
    for (const needleId of needleIds) await put(server, id, needleId, '');
  };
}

/** What the first of two replicas is sent when the other one passes a write on: one server alone takes no 001. */
function replicas(from: number, to: number): LifeStep {
  return async (server, id) => {
    for (let needleId = from; needleId <= to; needleId++)
      await server.put(id, BigInt(needleId), text(`replica ${needleId}`), { query: { type: 'replicate' } });
  };
}
