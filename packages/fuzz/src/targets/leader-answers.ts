import { defaultSyncPolicy, type SyncReport, syncVolume } from '@holdfast/follower';
import { NeedleFramer, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { RpcService } from '@holdfast/protocol';
import { openVolumeHome } from '@holdfast/store';
import {
  createSimulatedEnvironment,
  createSimulatedScheduler,
  type SimulatedEnvironment,
  type StockVolume,
} from '@holdfast/testkit';
import { expectThat, type FuzzTarget, Violation } from '../fuzz-target.js';
import { hostileService, isEverlasting, makeLies, parseLies } from '../hostile-service.js';
import { type Leading, type LedVolume, ledByHoldfast, ledByStock, VOLUME_ID } from '../led-volume.js';
import { joined } from '../mutate.js';

const DIRECTORY = '/copy';
const VOLUME = { volumeId: VOLUME_ID, collection: '' };
const POLICY = { ...defaultSyncPolicy, attempts: 3, minFreeBytes: 0, firstStepBytes: 4096, vacuumWaitMs: 0 };
/** More answers than any of these runs has. */
const ANSWERS_MAX = 48;

/** Of virtual time: more than five tries with all their pauses take. */
const LIMIT_MS = 4 * 3_600_000;

/** A follower with a copy, or without, and the leader that it meets next. */
interface Scenario {
  readonly led: LedVolume;
  /** The files of the copy. */
  readonly copied: ReadonlyMap<string, Uint8Array>;
  readonly former: Uint8Array | undefined;
}

/**
 * A leader that lies in some of its answers, against the real follower: a report, whatever they say; the copy that was
 * there is still there; and the next honest answers make it the leader's.
 */
function leaderAnswers(name: string, leading: Leading, hasOwnSums: boolean): FuzzTarget {
  return {
    name,
    share: 2,
    async prepare() {
      const scenarios = await createScenarios(leading);
      return {
        make: (dice) => joined(Uint8Array.of(dice.below(scenarios.length)), makeLies(dice, ANSWERS_MAX)),
        async run(input) {
          const { led, copied, former } = scenarios[(input[0] ?? 0) % scenarios.length]!;
          const env = createSimulatedEnvironment({ seed: 1 });
          env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
          for (const [path, bytes] of copied) env.disk.plant(path, bytes);
          const lies = parseLies(input.subarray(1));
          const lied = await sync(env, led, (service) => hostileService(service, lies));
          if (lied.ok && hasOwnSums) expectBeginning(env, led.dat);
          if (former !== undefined) expectKept(env, former);
          const report = await settle(env, led);
          expectThat(report.ok, `honest answers do not heal it: ${report.code} ${report.error}`);
          const dat = env.disk.peek(`${DIRECTORY}/${VOLUME_ID}.dat`);
          if (hasOwnSums) expectSame(dat, led.dat, '.dat');
          else if (!lies.some(isEverlasting))
            expectSame(provedBytes(dat), provedBytes(led.dat), '.dat, by its CRCs,');
          expectSame(env.disk.peek(`${DIRECTORY}/${VOLUME_ID}.idx`), led.idx, '.idx');
        },
      };
    },
  };
}

export const stockAnswers = leaderAnswers('stock-answers', ledByStock, false);
export const holdfastAnswers = leaderAnswers('holdfast-answers', ledByHoldfast, true);

async function createScenarios(leading: Leading): Promise<Scenario[]> {
  const young = await leading(begin);
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const report = await sync(env, young);
  expectThat(report.ok, `the copy cannot be made: ${report.error}`);
  const copied = new Map(env.disk.files().map((path) => [path, env.disk.peek(path)]));
  const grown = await leading((volume) => {
    begin(volume);
    goOn(volume);
  });
  const vacuumed = await leading((volume) => {
    begin(volume);
    volume.vacuum();
    goOn(volume);
  });
  return [
    { led: grown, copied: new Map(), former: undefined },
    { led: grown, copied, former: young.dat },
    { led: vacuumed, copied, former: young.dat },
  ];
}

function begin(volume: StockVolume): void {
  for (let id = 1; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(600).fill(id));
  volume.delete(2n);
  volume.put(3n, new Uint8Array(900).fill(33));
}

function goOn(volume: StockVolume): void {
  for (let id = 7; id <= 12; id++) volume.put(BigInt(id), new Uint8Array(700).fill(id));
  volume.delete(5n);
  volume.put(1n, new Uint8Array(0));
}

async function sync(
  env: SimulatedEnvironment,
  led: LedVolume,
  between?: (service: RpcService) => RpcService,
): Promise<SyncReport> {
  const scheduler = createSimulatedScheduler();
  const { time } = scheduler;
  const { clock, timers } = time;
  const end = await scheduler.run(async () => {
    const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
    try {
      return await syncVolume({
        home,
        directory: DIRECTORY,
        volume: VOLUME,
        leader: await led.connect(time, between),
        server: 'here',
        env: { ...env, clock },
        timers,
        policy: POLICY,
        signal: new AbortController().signal,
      });
    } finally {
      await home.close();
    }
  }, LIMIT_MS);
  if (end.kind === 'failed') throw end.error;
  if (end.kind !== 'done') throw new Violation(`the run is ${end.kind}`);
  return end.value;
}

/** Honest answers until there is nothing more to do. */
async function settle(env: SimulatedEnvironment, led: LedVolume): Promise<SyncReport> {
  const first = await sync(env, led);
  return first.ok ? first : sync(env, led);
}

/**
 * What the leader's own CRCs prove: where each record lies, and its data. A stock server that lies about a cookie or a
 * name cannot be found out, nor one that gives the same lie whenever it is asked.
 */
function provedBytes(dat: Uint8Array): Uint8Array {
  const framer = new NeedleFramer({ version: 3, startOffset: SUPER_BLOCK_SIZE_BYTES, collect: 'headers' });
  const records = framer.push(dat.subarray(SUPER_BLOCK_SIZE_BYTES));
  framer.end();
  const told = records.map(({ offset, dataSizeBytes, crc }) => [offset, dataSizeBytes, crc]);
  return new TextEncoder().encode(JSON.stringify(told));
}

/** A leader that sums up what it sends cannot be misunderstood: what counts as proved is what it has. */
function expectBeginning(env: SimulatedEnvironment, dat: Uint8Array): void {
  const held = env.disk.peek(`${DIRECTORY}/${VOLUME_ID}.dat`);
  expectSame(held, dat.subarray(0, held.length), '.dat that is called proved');
}

/** The beginning of what is held, or the whole of what is kept. */
function expectKept(env: SimulatedEnvironment, former: Uint8Array): void {
  const isKept = env.disk
    .files()
    .filter((path) => path.endsWith(`/${VOLUME_ID}.dat`))
    .some((path) => Buffer.compare(env.disk.peek(path).subarray(0, former.length), former) === 0);
  expectThat(isKept, 'the good copy is gone');
}

function expectSame(found: Uint8Array, expected: Uint8Array, what: string): void {
  expectThat(Buffer.compare(found, expected) === 0, `the ${what} is not the leader's`);
}
