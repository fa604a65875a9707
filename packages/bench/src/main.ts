import { parseArgs } from 'node:util';
import { measureChangingVolumes } from './changing-volumes.js';
import { measureFirstCopy } from './first-copy.js';
import type { HttpLoadFigures, Load } from './http-load.js';
import { measureIdleVolumes } from './idle-volumes.js';
import { measurePeakMemory } from './peak-memory.js';
import { measurePushLatency } from './push-latency.js';
import { measureRebase, type RebaseRun } from './rebase.js';
import { measureServeLoad } from './serve-load.js';
import { formatSpread, spreadOf } from './spread.js';
import { measureStoreLoad } from './store-load.js';

const MIB = 1024 * 1024;
const KIB = 1024;

const [name, ...args] = process.argv.slice(2);
if (name === 'first-copy') await firstCopy();
else if (name === 'peak-memory') await peakMemory();
else if (name === 'rebase') await rebase();
else if (name === 'idle-volumes') await idleVolumes();
else if (name === 'changing-volumes') await changingVolumes();
else if (name === 'push-latency') await pushLatency();
else if (name === 'store-load') await storeLoad();
else if (name === 'serve-load') await serveLoad();
else {
  console.error(
    'usage: npm run bench -w @holdfast/bench -- first-copy [--size-mib N] [--needle-bytes N] [--rounds N] | peak-memory [--size-mib N] [--limit-mib N] | rebase [--size-mib N] [--needle-bytes N] [--rounds N] | idle-volumes [--volumes N] [--seconds N] | changing-volumes [--volumes N] [--seconds N] [--changes-per-second N] [--seed N] | push-latency [--writes N] | store-load [--seconds N] | serve-load [--seconds N] [--rounds N]',
  );
  process.exitCode = 2;
}

/** `weed backup` followed by a sync of its files, and `holdfast backup`, turn about. */
async function firstCopy(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'size-mib': { type: 'string', default: '1024' },
      'needle-bytes': { type: 'string', default: `${MIB}` },
      rounds: { type: 'string', default: '5' },
    },
  });
  const content = {
    sizeBytes: Number(values['size-mib']) * MIB,
    needleBytes: Number(values['needle-bytes']),
  };
  const rounds = await measureFirstCopy(content, Number(values.rounds), ({ weedSeconds, holdfast }) => {
    const ratio = holdfast.seconds / weedSeconds;
    console.log(
      `weed ${weedSeconds.toFixed(2)} s, holdfast ${holdfast.seconds.toFixed(2)} s, ratio ${ratio.toFixed(2)}, peak ${(holdfast.peakBytes / MIB).toFixed(0)} MiB`,
    );
  });
  const ratios = rounds.map(({ weedSeconds, holdfast }) => holdfast.seconds / weedSeconds);
  console.log(`holdfast / weed: ${formatSpread(spreadOf(ratios))}`);
}

/** Fails where a first copy of large or of small needles takes more memory than the limit. */
async function peakMemory(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'size-mib': { type: 'string', default: '2048' },
      'limit-mib': { type: 'string', default: '200' },
    },
  });
  const limitBytes = Number(values['limit-mib']) * MIB;
  for (const needleBytes of [MIB, 4 * KIB]) {
    const { peakBytes, seconds } = await measurePeakMemory({
      sizeBytes: Number(values['size-mib']) * MIB,
      needleBytes,
    });
    const peak = `needles of ${needleBytes} bytes: peak ${(peakBytes / MIB).toFixed(0)} MiB in ${seconds.toFixed(1)} s`;
    if (!(peakBytes > 0 && peakBytes <= limitBytes)) process.exitCode = 1;
    console.log(`${peak}, limit ${values['limit-mib']} MiB`);
  }
}

/** What following a compaction costs with what is here already, and without. */
async function rebase(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'size-mib': { type: 'string', default: '400' },
      'needle-bytes': { type: 'string', default: `${4 * KIB}` },
      rounds: { type: 'string', default: '3' },
    },
  });
  const content = {
    sizeBytes: Number(values['size-mib']) * MIB,
    needleBytes: Number(values['needle-bytes']),
  };
  const describe = ({ receivedBytes, datSizeBytes, seconds, peakBytes }: RebaseRun): string =>
    `${((100 * receivedBytes) / datSizeBytes).toFixed(1)} % received in ${seconds.toFixed(1)} s, peak ${(peakBytes / MIB).toFixed(0)} MiB`;
  await measureRebase(content, Number(values.rounds), ({ withPool, withoutPool }) => {
    console.log(`with the pool ${describe(withPool)}; without ${describe(withoutPool)}`);
  });
}

/** Fails where following volumes that nobody writes to takes 2 % of a core or 200 MiB, or more. */
async function idleVolumes(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { volumes: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '60' } },
  });
  const cost = await measureIdleVolumes({ volumes: Number(values.volumes), seconds: Number(values.seconds) });
  if (!(cost.cpuShare < 0.02 && cost.peakBytes < 200 * MIB)) process.exitCode = 1;
  console.log(
    `${values.volumes} idle volumes: ${(cost.cpuShare * 100).toFixed(2)} % of a core over ${values.seconds} s with ${cost.proofs} proofs, ${(cost.residentBytes / MIB).toFixed(0)} MiB resident, peak ${(cost.peakBytes / MIB).toFixed(0)} MiB; copied in ${cost.firstCopySeconds.toFixed(1)} s`,
  );
}

/** Fails where a copy is not its leader's at the end, or following takes more than 60 s or 250 MiB. */
async function changingVolumes(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      volumes: { type: 'string', default: '300' },
      seconds: { type: 'string', default: '60' },
      'changes-per-second': { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
    },
  });
  const options = {
    volumes: Number(values.volumes),
    seconds: Number(values.seconds),
    changesPerSecond: Number(values['changes-per-second']),
    seed: Number(values.seed),
  };
  const cost = await measureChangingVolumes(options);
  const at = (share: number) => cost.lagsMs[Math.floor(share * (cost.lagsMs.length - 1))]! / 1000;
  if (!(at(1) < 60 && cost.convergedSeconds < 60 && cost.peakBytes < 250 * MIB)) process.exitCode = 1;
  console.log(
    `${options.volumes} volumes, ${cost.changes} changes, ${cost.compactions} of them compactions: all equal ${cost.convergedSeconds.toFixed(1)} s after the last; ${cost.lagsMs.length} writes followed after ${at(0.5).toFixed(1)} s at the median, 99 of 100 within ${at(0.99).toFixed(1)} s, ${at(1).toFixed(1)} s at most; ${(cost.cpuShare * 100).toFixed(0)} % of a core, peak ${(cost.peakBytes / MIB).toFixed(0)} MiB`,
  );
}

/** Fails where the median is 50 ms or more. */
async function pushLatency(): Promise<void> {
  const { values } = parseArgs({ args, options: { writes: { type: 'string', default: '1000' } } });
  const latenciesMs = (await measurePushLatency(Number(values.writes))).toSorted((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))]!.toFixed(1);
  if (!(Number(at(0.5)) < 50)) process.exitCode = 1;
  console.log(
    `durable on the follower after it is on the leader: median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms, most ${at(1)} ms`,
  );
}

/** What the store of the leader takes, without a network before it. */
async function storeLoad(): Promise<void> {
  const { values } = parseArgs({ args, options: { seconds: { type: 'string', default: '20' } } });
  const { durableWrites, plainWrites, reads } = await measureStoreLoad(Number(values.seconds));
  console.log(
    `64 callers, 4 KB: ${durableWrites.toFixed(0)} durable writes/s, ${plainWrites.toFixed(0)} plain writes/s, ${reads.toFixed(0)} reads/s`,
  );
}

/** Fails where reads or durable writes are less than half of what the real server does, by the median of the rounds. */
async function serveLoad(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string', default: '60' }, rounds: { type: 'string', default: '1' } },
  });
  const describe = ({ reads, writes }: HttpLoadFigures) =>
    `${reads.toFixed(0)} reads/s, ${writes.toFixed(0)} durable writes/s`;
  const rounds = await measureServeLoad(
    Number(values.rounds),
    Number(values.seconds),
    ({ load, weed, holdfast }) =>
      console.log(`${load}: weed ${describe(weed)}; holdfast ${describe(holdfast)}`),
  );
  const ratios = (load: Load, kind: keyof HttpLoadFigures) =>
    spreadOf(
      rounds.filter((round) => round.load === load).map(({ weed, holdfast }) => holdfast[kind] / weed[kind]),
    );
  const told = { reads: ratios('reads', 'reads'), writes: ratios('durable-writes', 'writes') };
  const mixed = { reads: ratios('mixed', 'reads'), writes: ratios('mixed', 'writes') };
  for (const ratio of [told.reads, told.writes, mixed.reads, mixed.writes])
    if (!(ratio.median >= 0.5)) process.exitCode = 1;
  console.log(
    `holdfast / weed: reads ${formatSpread(told.reads)}, durable writes ${formatSpread(told.writes)}, mixed: reads ${formatSpread(mixed.reads)}, durable writes ${formatSpread(mixed.writes)}`,
  );
}
