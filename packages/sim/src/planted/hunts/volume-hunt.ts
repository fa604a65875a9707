import {
  createVolume,
  openVolume,
  type StoreEnvironment,
  StoreError,
  type Volume,
  verifyFiles,
} from '@holdfast/store';
import { createSeededRandom, createSimulatedEnvironment, type SimulatedDisk } from '@holdfast/testkit';
import { Violation } from '../../oracles/violation.js';
import { createDice, type Dice } from '../../schedule/dice.js';
import { expectSame, type Hunt } from './hunt.js';

const DIRECTORY = '/d';
const NAME = '7';
const CRASHES = ['power', 'nothing', 'everything', 'process'] as const;
const OPERATIONS = 40;
const NEEDLES = 8;

/** What a needle holds: its data, or that it is gone. */
type Content = Uint8Array | 'gone';

/** Keeps for each needle what was promised last, and all that was asked for since: any of it may be there after a crash. */
interface OperationLog {
  note(needleId: bigint, content: Content): void;
  /** What is in the log now: to be promised once a sync that begins now is through. */
  mark(): () => void;
  assertLeft(found: ReadonlyMap<bigint, Uint8Array>): void;
  /** From here on what was found is what counts. */
  restart(found: ReadonlyMap<bigint, Uint8Array>): void;
}

/**
 * A volume that is written on a machine that stops: writers that share syncs, compactions with writes in them, syncs that
 * fail, a clock that steps back, and crashes. Held against a log of what was promised.
 */
export const volumeHunt: Hunt = {
  name: 'volume',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    const env = createSimulatedEnvironment({ seed, tearBytes: dice.oneOf([8, 512]) });
    env.disk.plant(`${DIRECTORY}/keep`, new Uint8Array(0));
    const stepping = { ...env, clock: steppingClock(env.clock, dice), disk: slowToTell(env.disk, dice) };
    const log = createOperationLog();
    const offsetWidthBytes = dice.oneOf([4, 5] as const);
    let volume = await createVolume(stepping, { directory: DIRECTORY, name: NAME, offsetWidthBytes });
    for (let life = 0; life < 3; life++) {
      volume = await live(volume, env.disk, dice, log);
      env.disk.inject(undefined);
      env.disk.crash(dice.oneOf(CRASHES));
      volume = await reopen(stepping, dice, log);
    }
    await volume.close();
    await assertSound(env);
    if (dice.chance(0.3)) await assertDamageIsNoTail(env, dice);
    if (dice.chance(0.3)) await assertCutEntriesGo(env, dice);
  },
};

async function live(begun: Volume, disk: SimulatedDisk, dice: Dice, log: OperationLog): Promise<Volume> {
  let volume = begun;
  const syncs: Promise<void>[] = [];
  if (dice.chance(0.4)) disk.crashAfter(dice.below(120));
  const sync = (): void => {
    const promise = log.mark();
    syncs.push(volume.sync().then(promise, () => {}));
  };
  try {
    for (let i = dice.below(OPERATIONS); i > 0; i--) {
      await change(volume, dice, log);
      if (dice.chance(0.3)) sync();
      if (dice.chance(0.15)) await Promise.all(syncs);
      if (dice.chance(0.05)) disk.inject(failOnce(dice));
      if (dice.chance(0.06)) volume = await compact(volume, disk, dice, log);
    }
    // The machine stops the instant that somebody has been told.
    if (dice.chance(0.6)) sync();
    if (dice.chance(0.8)) await syncs.at(-1);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  return volume;
}

async function change(volume: Volume, dice: Dice, log: OperationLog): Promise<void> {
  const needleId = BigInt(1 + dice.below(NEEDLES));
  const cookie = Number(needleId);
  const before = volume.stats().lastAppendAtNs;
  if (dice.chance(0.3) && volume.find(needleId) !== undefined) {
    log.note(needleId, 'gone');
    await volume.delete(needleId, cookie);
  } else {
    const data = dice.bytes(dice.chance(0.2) ? 0 : 1 + dice.below(700));
    log.note(needleId, data);
    await volume.append({ needleId, cookie, data });
  }
  if (volume.stats().lastAppendAtNs <= before)
    throw new Violation('rising stamps', `one behind ${before}`, `${volume.stats().lastAppendAtNs}`);
}

async function compact(volume: Volume, disk: SimulatedDisk, dice: Dice, log: OperationLog): Promise<Volume> {
  const { compactionRevision } = volume.superBlock;
  const compaction = volume.beginCompaction();
  await compaction.copy();
  for (let i = dice.below(8); i > 0; i--) await change(volume, dice, log);
  const promise = log.mark();
  // Files change their names in a few operations of many.
  if (dice.chance(0.5)) disk.crashAfter(dice.below(30));
  const next = await compaction.commit();
  promise();
  await volume.close();
  expectSame('the super block', 'its revision', next.superBlock.compactionRevision, compactionRevision + 1);
  log.assertLeft(await contentOf(next));
  return next;
}

async function reopen(
  env: StoreEnvironment & { disk: SimulatedDisk },
  dice: Dice,
  log: OperationLog,
): Promise<Volume> {
  const open = () => openVolume(env, { directory: DIRECTORY, name: NAME, mode: 'write' });
  let volume = await open();
  const found = await contentOf(volume);
  log.assertLeft(found);
  log.restart(found);
  // What an opened volume tells of is on the disk.
  if (dice.chance(0.5)) {
    env.disk.crash('nothing');
    volume = await open();
    log.assertLeft(await contentOf(volume));
  }
  return volume;
}

async function contentOf(volume: Volume): Promise<Map<bigint, Uint8Array>> {
  const content = new Map<bigint, Uint8Array>();
  for (const { needleId } of volume.liveByNeedleId())
    content.set(needleId, (await volume.readNeedle(needleId, Number(needleId))).data);
  return content;
}

async function assertSound(env: StoreEnvironment): Promise<void> {
  for await (const { severity, message } of verifyFiles(env, { directory: DIRECTORY, name: NAME }))
    if (severity === 'damage') throw new Violation('verification', 'no damage', message);
}

/** Somebody else's volume, whose index lacks its last records: with a bad one in front of a good one nothing is cut. */
async function assertDamageIsNoTail(
  env: StoreEnvironment & { disk: SimulatedDisk },
  dice: Dice,
): Promise<void> {
  const volume = await createVolume(env, { directory: DIRECTORY, name: '8', offsetWidthBytes: 5 });
  const offsets: number[] = [];
  for (let id = 1; id <= 4; id++) {
    const { offset } = await volume.append({ needleId: BigInt(id), cookie: id, data: dice.bytes(50) });
    offsets.push(offset);
  }
  await volume.close();
  const dat = env.disk.peek(`${DIRECTORY}/8.dat`);
  dat[offsets[2]! + 30]! ^= 1 << dice.below(8);
  env.disk.plant(`${DIRECTORY}/8.dat`, dat);
  env.disk.plant(`${DIRECTORY}/8.idx`, env.disk.peek(`${DIRECTORY}/8.idx`).subarray(0, 34));
  const code = await openVolume(env, { directory: DIRECTORY, name: '8', mode: 'write' }).then(
    () => 'opened',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  );
  expectSame('the damage planted', 'opening', code, 'corrupt');
}

/** Somebody else's volume, whose data end before its index does. */
async function assertCutEntriesGo(
  env: StoreEnvironment & { disk: SimulatedDisk },
  dice: Dice,
): Promise<void> {
  const volume = await createVolume(env, { directory: DIRECTORY, name: '9', offsetWidthBytes: 5 });
  const { offset } = await volume.append({ needleId: 1n, cookie: 1, data: dice.bytes(50) });
  const { lengthBytes } = await volume.append({ needleId: 2n, cookie: 2, data: dice.bytes(50) });
  await volume.close();
  const dat = env.disk.peek(`${DIRECTORY}/9.dat`);
  env.disk.plant(`${DIRECTORY}/9.dat`, dat.subarray(0, dat.length - lengthBytes + dice.below(40)));
  const opened = await openVolume(env, { directory: DIRECTORY, name: '9', mode: 'write' });
  const entries = [...opened.liveByNeedleId()].map((entry) => [entry.needleId, entry.offset]);
  expectSame('the data that are left', 'live needles', entries, [[1n, offset]]);
  await opened.close();
}

function createOperationLog(): OperationLog {
  /** Of each needle what was promised last, and behind it what was asked for since. */
  let possible = new Map<bigint, readonly { readonly content: Content }[]>();
  const listOf = (needleId: bigint) => possible.get(needleId) ?? [{ content: 'gone' as const }];
  return {
    note(needleId, content) {
      possible.set(needleId, [...listOf(needleId), { content }]);
    },
    mark() {
      const marked = new Map([...possible].map(([needleId, list]) => [needleId, list.at(-1)!]));
      return () => {
        for (const [needleId, last] of marked) {
          const list = listOf(needleId);
          possible.set(needleId, list.slice(Math.max(0, list.indexOf(last))));
        }
      };
    },
    assertLeft(found) {
      for (const needleId of new Set([...possible.keys(), ...found.keys()])) {
        const there = found.get(needleId) ?? 'gone';
        const list = listOf(needleId).map(({ content }) => content);
        if (list.some((content, i) => isSame(content, there) || (i > 0 && mayVanish(content, there))))
          continue;
        const wanted = list.map(describe).join(' or ');
        throw new Violation('the operation log', `needle ${needleId} to be ${wanted}`, describe(there));
      }
    },
    restart(found) {
      possible = new Map([...found].map(([needleId, content]) => [needleId, [{ content }]]));
    },
  };
}

function isSame(a: Content, b: Content): boolean {
  if (a === 'gone' || b === 'gone') return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Without its entry, which it gets when it is promised, an empty needle cannot be told from a deletion. */
function mayVanish(content: Content, there: Content): boolean {
  return content.length === 0 && there === 'gone';
}

function describe(content: Content): string {
  return content === 'gone' ? content : `${content.length} bytes`;
}

/** One sync fails; then the disk is well again. */
function failOnce(dice: Dice): (operation: { readonly kind: string }) => 'disk-failed' | undefined {
  const failing = dice.oneOf(['sync-data', 'write'] as const);
  let hasFailed = false;
  return ({ kind }) => {
    if (hasFailed || kind !== failing) return undefined;
    hasFailed = true;
    return 'disk-failed';
  };
}

/** Every look is a little later, now and then an hour earlier. */
function steppingClock(clock: StoreEnvironment['clock'], dice: Dice): StoreEnvironment['clock'] {
  let shiftMs = 0;
  const step = (): number => {
    shiftMs += dice.chance(0.1) ? -3_600_000 : 1 + dice.below(1000);
    return shiftMs;
  };
  return {
    ...clock,
    nowMs: () => clock.nowMs() + step(),
    nowNs: () => clock.nowNs() + BigInt(step()) * 1_000_000n,
  };
}

/** A disk whose syncs are heard of late: what is written meanwhile is no part of them. */
function slowToTell(disk: SimulatedDisk, dice: Dice): SimulatedDisk {
  return {
    ...disk,
    get operations() {
      return disk.operations;
    },
    async open(path, options) {
      const file = await disk.open(path, options);
      return {
        ...file,
        async syncData() {
          await file.syncData();
          for (let turns = dice.below(80); turns > 0; turns--) await Promise.resolve();
        },
      };
    },
  };
}
