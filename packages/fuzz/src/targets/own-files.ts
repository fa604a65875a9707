import { crc32c } from '@holdfast/format';
import {
  bindCluster,
  detachVolume,
  findLockHolder,
  type GenerationReader,
  type HistoryLine,
  isStoreError,
  listKeptGenerations,
  listVolumeHomes,
  lockDirectory,
  openAbsenceLedger,
  openGenerationReader,
  openGenerationVolume,
  openVolumeHome,
  readClusterBinding,
  type VolumeHome,
} from '@holdfast/store';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { collect } from '../collect.js';
import type { Dice } from '../dice.js';
import {
  type CommittedState,
  createFollowedDirectory,
  DIRECTORY,
  type FollowedDirectory,
  VOLUME,
} from '../followed-directory.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { joined, mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';

/**
 * The files of a followed directory, changed: what follow and restore make of them. What is held afterwards is a
 * state that was committed, whole. Half of the changes carry the checksum of a file that Holdfast wrote.
 */
export const ownFiles: FuzzTarget = {
  name: 'own-files',
  share: 6,
  async prepare() {
    const followed = await createFollowedDirectory();
    const paths = [...followed.files.keys()];
    const seeds = [...followed.files.values()];
    return {
      make: (dice) => changedFiles(dice, paths, seeds),
      async run(input, dice) {
        const env = createSimulatedEnvironment({ seed: 1 });
        for (const [path, bytes] of followed.files) env.disk.plant(path, bytes);
        const resealed = changeFiles(env, input, paths);
        await readEverything(env, resealed ? undefined : [...followed.states, followed.former]);
        await openEverything(env, followed, resealed, dice);
      },
    };
  },
};

/** Up to three changes: which file, and its new content; one of 255 is no file at all. */
function changedFiles(dice: Dice, paths: readonly string[], seeds: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let changes = 1 + dice.below(3); changes > 0; changes--) {
    const number = dice.below(paths.length);
    const isSealed = dice.once(2);
    const content = dice.once(12) ? new Uint8Array(0) : mutate(dice, [seeds[number]!]);
    parts.push(Uint8Array.of(number, isSealed ? 1 : 0), content);
  }
  return packParts([Uint8Array.of(parts.length), ...parts]);
}

/** Whether one of them has been given the checksum of its new content. */
function changeFiles(env: SimulatedEnvironment, input: Uint8Array, paths: readonly string[]): boolean {
  const [head, ...changes] = unpackParts(input, 7);
  let isAnySealed = false;
  for (let i = 0; i + 1 < Math.min(changes.length, head![0] ?? 0); i += 2) {
    const [number = 0, sealing = 0] = changes[i]!;
    const path = paths[number % paths.length]!;
    const sealed = sealing % 2 === 1 ? resealed(changes[i + 1]!) : undefined;
    isAnySealed ||= sealed !== undefined;
    env.disk.plant(path, sealed ?? changes[i + 1]!);
  }
  return isAnySealed;
}

/** The same content with the checksum that goes with it, if it still is a sealed file. */
function resealed(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const parsed = JSON.parse(new TextDecoder().decode(bytes)) as { content?: unknown } | null;
    if (parsed?.content === undefined) return undefined;
    const checksum = crc32c(new TextEncoder().encode(JSON.stringify(parsed.content)));
    const sealed = { ...parsed, crc32c: checksum.toString(16).padStart(8, '0') };
    return new TextEncoder().encode(`${JSON.stringify(sealed)}\n`);
  } catch {
    return undefined;
  }
}

/** Everything that reads without a lock; it changes nothing. `committed`: what alone can be restored. */
async function readEverything(
  env: SimulatedEnvironment,
  committed: readonly CommittedState[] | undefined,
): Promise<void> {
  const which = { directory: DIRECTORY, volume: VOLUME };
  env.disk.forget();
  await orTyped(() => readClusterBinding(env, DIRECTORY));
  await orTyped(() => findLockHolder(env, DIRECTORY));
  await listVolumeHomes(env, DIRECTORY);
  const kept = (await orTyped(() => listKeptGenerations(env, which))) ?? [];
  for (const { id } of kept.slice(0, 4)) {
    const reader = await orTyped(() => openGenerationReader(env, { ...which, generation: id }));
    if (reader !== undefined) await readGeneration(reader, committed);
    const volume = await orTyped(() => openGenerationVolume(env, { ...which, generation: id }));
    await volume?.close();
  }
  expectThat(env.disk.operations.length === 0, 'reading has changed something');
}

async function readGeneration(
  reader: GenerationReader,
  committed: readonly CommittedState[] | undefined,
): Promise<void> {
  try {
    await orTyped(() => collect(reader.checkDigests()));
    await orTyped(() => reader.contentDigest());
    await orTyped(() => reader.readInfo());
    for (const line of (await orTyped(() => collect(reader.history()))) ?? []) {
      const restored = await orTyped(() => restoredState(reader, line));
      if (restored !== undefined && committed !== undefined)
        expectThat(
          isAmong(committed, restored),
          `what can be restored as of ${line.atMs} was never committed`,
        );
    }
  } finally {
    await reader.close();
  }
}

async function restoredState(reader: GenerationReader, line: HistoryLine): Promise<CommittedState> {
  const state = await reader.openState(line);
  try {
    const [dat, idx] = [await collect(state.dat.checked()), await collect(state.idx.checked())];
    return { dat: joined(...dat), idx: joined(...idx) };
  } finally {
    await state.close();
  }
}

function isAmong(states: readonly CommittedState[], { dat, idx }: CommittedState): boolean {
  return states.some((state) => Buffer.compare(state.dat, dat) === 0 && Buffer.compare(state.idx, idx) === 0);
}

/** What takes the lock: recovery, and then whatever an operator may do. */
async function openEverything(
  env: SimulatedEnvironment,
  followed: FollowedDirectory,
  isResealed: boolean,
  dice: Dice,
): Promise<void> {
  const lock = await orTyped(() => lockDirectory(env, DIRECTORY));
  await orTyped(() => bindCluster(env, DIRECTORY, 'a'));
  const ledger = await orTyped(() => openAbsenceLedger(env, DIRECTORY));
  await orTyped(async () => ledger?.note(VOLUME, { leader: dice.once(2) }));
  const open = (takeOver: boolean) => openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, takeOver });
  let home = await orTyped(() => open(false));
  home ??= await orTyped(() => open(true));
  if (home !== undefined) {
    if (!isResealed) await expectCommitted(home, followed);
    const held = home.held?.position.datSizeBytes;
    await home.former();
    for await (const pool of home.pool()) await pool.close();
    await home.close();
    const again = await open(false);
    expectThat(again.held?.position.datSizeBytes === held, 'opened again something else is held');
    await again.prune({ keepForMs: 0, keepGenerations: dice.below(2) }, env.clock.nowMs());
    await again.close();
    if (dice.once(4)) {
      await orTyped(() =>
        detachVolume(env, { directory: DIRECTORY, volume: VOLUME, assertLocked: async () => {} }),
      );
    }
  }
  await lock?.release();
}

/** What is held is byte for byte a state that was committed. */
async function expectCommitted(home: VolumeHome, { states }: FollowedDirectory): Promise<void> {
  const { held } = home;
  if (held === undefined) return;
  const { datSizeBytes, idxSizeBytes } = held.position;
  const [dat, idx] = [await held.dat.readAt(0, datSizeBytes), await held.idx.readAt(0, idxSizeBytes)];
  expectThat(
    isAmong(states, { dat, idx }),
    `what is held (${datSizeBytes}, ${idxSizeBytes}) was never committed`,
  );
}

async function orTyped<T>(doing: () => Promise<T>): Promise<T | undefined> {
  try {
    return await doing();
  } catch (error) {
    if (isStoreError(error)) return undefined;
    throw error;
  }
}
