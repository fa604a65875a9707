import { type NeedleStore, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import { isStoreError, openVolume, type Volume } from '@holdfast/store';
import { Violation } from '../../oracles/violation.js';
import type { CrashProcess, CrashScenario } from '../crash-scenario.js';
import { DIRECTORY } from '../good-copy.js';

const COLLECTION = '';
const VOLUME_ID = 7;

/** What clients asked for: each needle's fills, one after the other, `undefined` a deletion. */
type Asked = Map<number, (number | undefined)[]>;

async function openStore({ env, timers }: CrashProcess): Promise<NeedleStore> {
  return openNeedleStore({
    env,
    timers,
    directory: DIRECTORY,
    onUnopened(_name, error) {
      throw error;
    },
  });
}

async function useStore(process: CrashProcess, use: (store: NeedleStore) => Promise<void>): Promise<void> {
  const store = await openStore(process);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

/** Writes, and promises when it is acknowledged. */
async function put(
  volume: StoredVolume,
  asked: Asked,
  id: number,
  fill: number,
  promise: Promising,
): Promise<void> {
  ask(asked, id, fill);
  const content = { needleId: BigInt(id), cookie: id };
  await volume.write({ content, data: new Uint8Array(600).fill(fill) });
  promise(`${id} ${fill}`);
}

async function drop(volume: StoredVolume, asked: Asked, id: number, promise: Promising): Promise<void> {
  ask(asked, id, undefined);
  await volume.delete(BigInt(id)).catch((error: unknown) => {
    if (!isStoreError(error, 'needle-not-found')) throw error;
  });
  promise(`${id} deleted`);
}

type Promising = (what: string) => void;

function ask(asked: Asked, id: number, fill: number | undefined): void {
  asked.set(id, [...(asked.get(id) ?? []), fill]);
}

async function makeStore(process: CrashProcess): Promise<Asked> {
  process.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const asked: Asked = new Map();
  await useStore(process, async (store) => {
    const volume = await store.allocate({ volumeId: VOLUME_ID, collection: COLLECTION });
    for (let id = 1; id <= 6; id++) await put(volume, asked, id, id, () => {});
    await drop(volume, asked, 2, () => {});
  });
  return asked;
}

const restart = (process: CrashProcess): Promise<void> => useStore(process, async () => {});

/** The last that was acknowledged of each needle, or something that was asked for later; nothing else. */
async function expectAcknowledged(
  { env }: CrashProcess,
  asked: Asked,
  promises: readonly string[],
): Promise<void> {
  const volume = await openVolume(env, { directory: DIRECTORY, name: `${VOLUME_ID}`, mode: 'read' });
  try {
    for (const [id, fills] of asked) {
      const found = await fillOf(volume, id);
      const last = promises.findLast((promise) => promise.startsWith(`${id} `))?.split(' ')[1];
      const acknowledged =
        last === undefined ? undefined : fills.findLastIndex((fill) => `${fill ?? 'deleted'}` === last);
      // What was there before the change was acknowledged, too.
      const allowed = acknowledged === undefined ? [...fills, undefined] : fills.slice(acknowledged);
      if (!allowed.includes(found))
        throw new Violation(
          'durable first',
          `needle ${id}: one of ${allowed.map((fill) => fill ?? 'none')}`,
          `${found}`,
        );
    }
    for (const { needleId } of volume.liveByNeedleId())
      if (!asked.has(Number(needleId)))
        throw new Violation('live set', 'what was asked for', `needle ${needleId}`);
  } finally {
    await volume.close();
  }
}

async function fillOf(volume: Volume, id: number): Promise<number | undefined> {
  if (volume.find(BigInt(id)) === undefined) return undefined;
  return (await volume.readNeedle(BigInt(id))).data[0];
}

const writes: CrashScenario<Asked> = {
  name: 'leader: writes and deletions',
  begin: makeStore,
  change: (process, asked, promise) =>
    useStore(process, async (store) => {
      const volume = store.find(VOLUME_ID)!;
      await put(volume, asked, 10, 30, promise);
      await Promise.all([put(volume, asked, 11, 31, promise), put(volume, asked, 1, 41, promise)]);
      await drop(volume, asked, 3, promise);
      await put(volume, asked, 2, 42, promise);
    }),
  restart,
  judge: expectAcknowledged,
};

const compaction: CrashScenario<Asked> = {
  name: 'leader: compaction while it is written',
  begin: makeStore,
  change: (process, asked, promise) =>
    useStore(process, async (store) => {
      const volume = store.find(VOLUME_ID)!;
      await volume.compact();
      await put(volume, asked, 10, 30, promise);
      await drop(volume, asked, 4, promise);
      await volume.commitCompaction();
      await put(volume, asked, 11, 31, promise);
    }),
  restart,
  judge: expectAcknowledged,
};

const allocation: CrashScenario<Asked> = {
  name: 'leader: allocation of a volume',
  begin: makeStore,
  change: (process, _asked, promise) =>
    useStore(process, async (store) => {
      if (store.find(8) === undefined) await store.allocate({ volumeId: 8, collection: 'c' });
      promise('allocated');
    }),
  restart,
  async judge(process, asked, promises) {
    await expectAcknowledged(process, asked, []);
    const isThere = process.disk.files().includes(`${DIRECTORY}/c_8.dat`);
    if (promises.length > 0 && !isThere) throw new Violation('durable first', 'the volume', 'none');
  },
};

const removal: CrashScenario<Asked> = {
  name: 'leader: deletion of a volume',
  begin: makeStore,
  change: (process, _asked, promise) =>
    useStore(process, async (store) => {
      if (store.find(VOLUME_ID) !== undefined) await store.delete(VOLUME_ID);
      promise('deleted');
    }),
  restart,
  async judge(process, asked, promises) {
    const left = process.disk.files().filter((path) => path.startsWith(`${DIRECTORY}/${VOLUME_ID}.`));
    if (left.includes(`${DIRECTORY}/${VOLUME_ID}.dat`)) {
      if (promises.length > 0) throw new Violation('durable first', 'no files', `${left}`);
      await expectAcknowledged(process, asked, []);
    }
  },
};

export const servedScenarios = [writes, compaction, allocation, removal];
