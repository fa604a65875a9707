import { NO_TTL } from '@holdfast/format';
import { createMemoryNetwork } from '@holdfast/protocol';
import { createSeededRandom, createStockMaster, createVirtualTime } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import {
  type AnnouncedServer,
  type AnnouncedVolume,
  createHeartbeat,
  type Registration,
} from '../../src/index.js';

const volume: AnnouncedVolume = {
  volumeId: 3,
  collection: 'pictures',
  version: 3,
  replicaPlacement: { otherDataCenters: 0, otherRacks: 0, sameRack: 1 },
  ttl: { count: 3, unit: 3 },
  revision: 2,
  datSizeBytes: 4096,
  fileCount: 12,
  deleteCount: 2,
  garbageBytes: 640,
  isReadOnly: true,
  modifiedAtSeconds: 1_700_000_000,
};

const server: AnnouncedServer = {
  ip: '10.0.0.7',
  port: 8080,
  grpcPort: 18_081,
  publicUrl: 'files.example:80',
  dataCenter: 'dc2',
  rack: 'r9',
  directoryUuids: ['one'],
};

/** A cluster of masters, and a server whose heart beats on virtual time. */
async function cluster(masterNames: readonly string[] = ['master'], leader?: string) {
  const time = createVirtualTime();
  const network = createMemoryNetwork({ timers: time.timers });
  const masters = masterNames.map((name) =>
    createStockMaster({
      network,
      servers: [],
      grpcAddress: `${name}:19333`,
      httpAddress: `${name}:9333`,
      ...(leader === undefined || leader === name ? {} : { leader: `${leader}:9333.19333` }),
    }),
  );
  for (const master of masters) await master.start();

  const serve = (
    own: Partial<AnnouncedServer> = {},
    addresses = masterNames.map((name) => `${name}:9333`),
  ) => {
    const volumes: AnnouncedVolume[] = [volume];
    const registrations: Registration[] = [];
    const problems: unknown[] = [];
    const leaving = new AbortController();
    const heartbeat = createHeartbeat({
      transport: network,
      addresses,
      timers: time.timers,
      random: createSeededRandom(5),
      server: { ...server, ...own },
      report: async () => ({
        volumes: [...volumes],
        maxVolumeCount: 8,
        maxNeedleId: 0x1234n,
        diskTotalBytes: 1000,
        diskFreeBytes: 400,
      }),
      onRegistered: (registration) => registrations.push(registration),
      onProblem: (problem) => problems.push(problem),
    });
    const run = heartbeat.run(leaving.signal);
    run.catch(() => undefined);
    return { heartbeat, volumes, registrations, problems, run, leave: () => leaving.abort() };
  };
  return { time, network, masters, serve };
}

const KEY = '10.0.0.7:8080';

test('a beat has everything that a master needs, and its answer is told', async () => {
  const { time, masters, serve } = await cluster();
  const { registrations, leave, run } = serve();
  await time.advance(0);
  expect(masters[0]!.heartbeats.registered.get(KEY)).toMatchObject({
    ip: '10.0.0.7',
    port: 8080,
    grpcPort: 18_081,
    publicUrl: 'files.example:80',
    dataCenter: 'dc2',
    rack: 'r9',
    locationUuids: ['one'],
    maxVolumeCounts: { '': 8 },
    maxFileKey: 0x1234n,
    diskTotalBytes: 1000n,
    diskFreeBytes: 400n,
    hasNoVolumes: false,
    hasNoEcShards: true,
    volumes: [
      {
        id: 3,
        collection: 'pictures',
        version: 3,
        replicaPlacement: 1,
        ttl: 0x303,
        compactRevision: 2,
        size: 4096n,
        fileCount: 12n,
        deleteCount: 2n,
        deletedByteCount: 640n,
        readOnly: true,
        modifiedAtSecond: 1_700_000_000n,
      },
    ],
  });
  expect(masters[0]!.heartbeats.registered.get(KEY)?.volumeDigest).toBeUndefined();
  expect(registrations).toEqual([
    {
      master: { httpAddress: 'master:9333', grpcAddress: 'master:19333' },
      volumeSizeLimitBytes: 30 * 2 ** 30,
    },
  ]);
  leave();
  await time.advance(0);
  await run;
});

test('it beats every five seconds, at once when told, and once for changes that come together', async () => {
  const { time, masters, serve } = await cluster();
  const { heartbeat, volumes, leave, run } = serve();
  const { heartbeats } = masters[0]!;
  await time.advance(4_999);
  expect(heartbeats.beatCount).toBe(1);
  await time.advance(1);
  expect(heartbeats.beatCount).toBe(2);

  await time.advance(1_000);
  volumes.push({ ...volume, volumeId: 4, ttl: NO_TTL });
  heartbeat.beatNow();
  await time.advance(0);
  expect(heartbeats.registered.get(KEY)?.volumes.map(({ id }) => id)).toEqual([3, 4]);
  for (let times = 0; times < 50; times++) heartbeat.beatNow();
  await time.advance(100);
  expect(heartbeats.beatCount).toBe(4);

  volumes.length = 0;
  heartbeat.beatNow();
  await time.advance(100);
  expect(heartbeats.registered.get(KEY)).toMatchObject({ volumes: [], hasNoVolumes: true });
  leave();
  await time.advance(0);
  await run;
});

test('leaving, the master knows before the run resolves; one that is silent is not waited for', async () => {
  const { time, masters, network, serve } = await cluster();
  const { leave, run } = serve();
  await time.advance(0);
  leave();
  await time.advance(0);
  await run;
  expect(masters[0]!.heartbeats.registered.size).toBe(0);

  const again = serve();
  await time.advance(0);
  network.dropConnections();
  again.leave();
  await time.advance(0);
  await again.run;
  expect(time.sleeping).toBe(0);
});

test('a master that is not the leader is left for the one that is, also while beating', async () => {
  const { time, masters, serve } = await cluster(['one', 'two'], 'two');
  const { registrations, leave, run } = serve();
  await time.advance(0);
  expect(registrations.map(({ master }) => master.httpAddress)).toEqual(['two:9333']);
  expect(masters[0]!.heartbeats.beatCount).toBe(0);

  masters[0]!.stepDown('one:9333.19333');
  masters[1]!.stepDown('one:9333.19333');
  await time.advance(5_000);
  expect(registrations.map(({ master }) => master.httpAddress)).toEqual(['two:9333', 'one:9333']);
  expect(masters[1]!.heartbeats.registered.size).toBe(0);
  expect(masters[0]!.heartbeats.registered.size).toBe(1);
  leave();
  await time.advance(0);
  await run;
});

test('masters that point to each other are asked with pauses', async () => {
  const { time, masters, serve } = await cluster(['one', 'two']);
  masters[0]!.stepDown('two:9333.19333');
  masters[1]!.stepDown('one:9333.19333');
  const { registrations, leave, run } = serve();
  await time.advance(60_000);
  expect(registrations).toEqual([]);
  masters[1]!.stepDown('two:9333.19333');
  await time.advance(20_000);
  expect(registrations.map(({ master }) => master.httpAddress)).toEqual(['two:9333']);
  leave();
  await time.advance(0);
  await run;
});

test('a master that goes is tried again for ever, and the next ones beside it', async () => {
  const { time, masters, serve } = await cluster();
  const { registrations, problems, leave, run } = serve({}, ['dead:9333', 'master:9333']);
  await time.advance(1_000);
  expect(problems).toMatchObject([{ code: 'master-unreachable' }]);
  expect(registrations).toHaveLength(1);
  await masters[0]!.stop();
  await time.advance(3_600_000);
  expect(problems.length).toBeGreaterThan(300);
  await masters[0]!.start();
  await time.advance(20_000);
  expect(registrations).toHaveLength(2);
  leave();
  await time.advance(0);
  await run;
});

test("a directory that another server serves ends the run; one that is only a dead server's does not", async () => {
  const { time, serve } = await cluster();
  const first = serve();
  await time.advance(0);
  const second = serve({ port: 8081 });
  await time.advance(500);
  expect(second.problems[0]).toMatchObject({ code: 'duplicate-directory' });
  first.leave();
  await time.advance(20_000);
  await first.run;
  expect(second.registrations).toHaveLength(1);

  const third = serve({ port: 8082 });
  await time.advance(60_000);
  await expect(third.run).rejects.toMatchObject({ code: 'duplicate-directory' });
  second.leave();
  await time.advance(0);
  await second.run;
});

test('a heartbeat without a master is a mistake', async () => {
  const { serve } = await cluster();
  expect(() => serve({}, [])).toThrow(RangeError);
  expect(() => serve({}, ['nonsense'])).toThrow(expect.objectContaining({ code: 'bad-address' }));
});
