import { NeedleFramer, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { begin, copiedFiles, DIRECTORY, expectSame, goOn, settle, syncCopy } from '../copied-volume.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { hostileService, isEverlasting, makeLies, parseLies } from '../hostile-service.js';
import { type Leading, type LedVolume, ledByHoldfast, ledByStock, VOLUME_ID } from '../led-volume.js';
import { joined } from '../mutate.js';

/** More answers than any of these runs has. */
const ANSWERS_MAX = 48;

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
          const lied = await syncCopy(env, led, (service) => hostileService(service, lies));
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
  const copied = await copiedFiles(young);
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
