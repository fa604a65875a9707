import { defaultSyncPolicy, type SyncPolicy, syncVolume } from '@holdfast/follower';
import { createMemoryNetwork } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import { openVolumeHome } from '@holdfast/store';
import { createSeededRandom, createStockServer, type StockServer, type StockVolume } from '@holdfast/testkit';
import { Violation } from '../../oracles/violation.js';
import type { CrashProcess, CrashScenario } from '../crash-scenario.js';
import { DIRECTORY, isBeginning, isSame, readSoundCopy, VOLUME, type VolumeBytes } from '../good-copy.js';

const POLICY: SyncPolicy = {
  ...defaultSyncPolicy,
  firstStepBytes: 4096,
  greatestStepBytes: 8192,
  greatestBuildStepBytes: 8192,
  pinnedCommitBytes: 8192,
  vacuumWaitMs: 1000,
  minFreeBytes: 0,
};

/** A leader that stays as it is, and what has been held of it. */
interface Followed {
  readonly server: StockServer;
  /** What was held before: `undefined` where there is no copy yet. */
  readonly before: VolumeBytes | undefined;
}

interface FollowedChange {
  readonly name: string;
  readonly hasLinks?: boolean;
  /** What the leader does before the copy is made; without it there is none. */
  readonly before?: (volume: StockVolume) => void;
  /** And what it does then. */
  readonly after: (volume: StockVolume) => void;
}

/** A sync of one volume: what is held is what was, or a beginning of what the leader has, as long as was reported. */
function syncScenario({ name, hasLinks = true, ...leader }: FollowedChange): CrashScenario<Followed> {
  return {
    name: hasLinks ? name : `${name}, without links`,
    hasLinks,
    async begin(process) {
      process.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
      const { timers } = process;
      const network = createMemoryNetwork({ timers });
      const server = createStockServer({ network, random: createSeededRandom(1) });
      await server.start();
      const volume = server.allocate(VOLUME.volumeId);
      let before: VolumeBytes | undefined;
      if (leader.before !== undefined) {
        leader.before(volume);
        await sync(process, server, () => {});
        before = { dat: volume.dat, idx: volume.idx };
      }
      leader.after(volume);
      return { server, before };
    },
    change: (process, { server }, promise) => sync(process, server, promise),
    async restart({ env }) {
      const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
      await home.close();
    },
    async judge(process, { server, before }, promises) {
      const held = await readSoundCopy(process);
      const theirs = server.volumes.get(VOLUME.volumeId)!;
      const promisedBytes = Number(promises.at(-1) ?? 0);
      const isBefore =
        before === undefined
          ? held === undefined
          : held !== undefined && isSame(held.dat, before.dat) && isSame(held.idx, before.idx);
      if (promises.length === 0 && isBefore) return;
      const isLeaders =
        held !== undefined &&
        held.dat.length >= promisedBytes &&
        isBeginning(theirs.dat, held.dat) &&
        isBeginning(theirs.idx, held.idx);
      if (!isLeaders)
        throw new Violation(
          'identity',
          `at least ${promisedBytes} bytes of the leader's`,
          `${held?.dat.length}`,
        );
      if (before !== undefined) await expectKept(process, before);
    },
  };
}

async function sync(
  { env, timers }: CrashProcess,
  server: StockServer,
  promise: (what: string) => void,
): Promise<void> {
  const transport = createMemoryNetwork({ timers });
  await transport.serve(server.grpcAddress, server.services);
  const { fetch, grpcAddress, httpAddress } = server;
  const leader = createSeaweedLeader({
    transport,
    fetch,
    grpcAddress,
    httpAddress,
    timers,
    clock: env.clock,
  });
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  try {
    const report = await syncVolume({
      home,
      directory: DIRECTORY,
      volume: VOLUME,
      leader,
      server: 'stock',
      env,
      timers,
      policy: POLICY,
      signal: new AbortController().signal,
      onProgress: ({ phase, doneBytes }) => {
        if (phase === 'append') promise(`${doneBytes}`);
      },
    });
    if (!report.ok) throw new Error(`${report.code}: ${report.error}`);
    promise(`${report.datSize}`);
  } finally {
    await home.close();
  }
}

/** What was held before is held now, as a beginning or under another name: retention keeps the last one. */
async function expectKept({ disk }: CrashProcess, { dat }: VolumeBytes): Promise<void> {
  const files = disk.files().filter((path) => path.endsWith('/7.dat'));
  if (!files.some((path) => isBeginning(disk.peek(path), dat)))
    throw new Violation('prefix safety', 'the former generation', 'nothing of it');
}

function fill(volume: StockVolume, from: number, to: number, lengthBytes = 1500): void {
  for (let id = from; id <= to; id++) volume.put(BigInt(id), new Uint8Array(lengthBytes).fill(id));
}

const begin = (volume: StockVolume): void => fill(volume, 1, 8);

export const syncScenarios: readonly CrashScenario<Followed>[] = [
  {
    name: 'sync: append in steps',
    before: begin,
    after(volume: StockVolume) {
      fill(volume, 9, 16);
      volume.delete(3n);
      volume.put(4n, new Uint8Array(0));
    },
  },
  { name: 'sync: first copy, pinned', after: begin },
  ...[true, false].map((hasLinks) => ({
    name: 'sync: rebase from the pool',
    hasLinks,
    before: begin,
    after(volume: StockVolume) {
      volume.delete(2n);
      volume.vacuum();
      fill(volume, 9, 10);
    },
  })),
  {
    name: 'sync: rebase that trips the loss guard',
    before: begin,
    after(volume: StockVolume) {
      for (let id = 1n; id <= 5n; id++) volume.delete(id);
      volume.vacuum();
    },
  },
  ...[true, false].map((hasLinks) => ({
    name: 'sync: the index of the leader taken over',
    hasLinks,
    before: begin,
    after(volume: StockVolume) {
      const entries = volume.idx;
      volume.load(volume.dat, Buffer.concat([entries.subarray(17), entries.subarray(0, 17)]));
    },
  })),
].map(syncScenario);
