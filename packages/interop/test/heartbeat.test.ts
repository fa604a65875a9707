import { NO_TTL, parseFileId } from '@holdfast/format';
import { systemRandom, systemTimers } from '@holdfast/format/node';
import {
  type AnnouncedVolume,
  createHeartbeat,
  createMasterClient,
  type Registration,
} from '@holdfast/seaweedfs';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePortPair } from '../src/free-ports.js';
import { startWeedCluster, type WeedCluster, waitUntil } from '../src/index.js';

const INTERVAL_MS = 150;
const { signal } = new AbortController();
const transport = createGrpcTransport();

let cluster: WeedCluster;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
});

afterAll(async () => {
  await cluster?.stop();
});

const emptyVolume: AnnouncedVolume = {
  volumeId: 0,
  collection: '',
  version: 3,
  replicaPlacement: { otherDataCenters: 0, otherRacks: 0, sameRack: 0 },
  ttl: NO_TTL,
  revision: 0,
  datSizeBytes: 8,
  fileCount: 0,
  deleteCount: 0,
  garbageBytes: 0,
  isReadOnly: false,
  modifiedAtSeconds: 1,
};

/** A volume server that is nothing but its heartbeat. */
async function announce(volumeIds: number[], own: { readonly port?: number; readonly uuid?: string } = {}) {
  const [port, grpcPort] = own.port === undefined ? await freePortPair() : [own.port, own.port + 10_000];
  const registrations: Registration[] = [];
  const problems: unknown[] = [];
  const leaving = new AbortController();
  const heartbeat = createHeartbeat({
    transport,
    addresses: [cluster.masterAddress],
    timers: systemTimers,
    random: systemRandom,
    intervalMs: INTERVAL_MS,
    server: {
      ip: '127.0.0.1',
      port,
      grpcPort,
      publicUrl: 'outside.example:80',
      dataCenter: 'dc2',
      rack: 'r2',
      directoryUuids: [own.uuid ?? `uuid-of-${port}`],
    },
    report: async () => ({
      volumes: volumeIds.map((volumeId) => ({ ...emptyVolume, volumeId })),
      maxVolumeCount: 9,
      maxNeedleId: 0x4000n,
      diskTotalBytes: 1000,
      diskFreeBytes: 400,
    }),
    onRegistered: (registration) => registrations.push(registration),
    onProblem: (problem) => problems.push(problem),
  });
  const run = heartbeat.run(leaving.signal);
  run.catch(() => undefined);
  return { heartbeat, port, grpcPort, registrations, problems, run, leave: () => leaving.abort() };
}

const address = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;

test('what is told is what the real master tells others, at once, and nothing after leaving', async () => {
  const volumeIds = [5];
  const server = await announce(volumeIds);
  await cluster.waitForVolume(5);
  const master = createMasterClient({ transport, addresses: [cluster.masterAddress], timers: systemTimers });
  expect((await master.lookup([5], signal)).get(5)).toEqual([
    {
      httpAddress: address(server),
      grpcAddress: `127.0.0.1:${server.grpcPort}`,
      publicUrl: 'outside.example:80',
      dataCenter: 'dc2',
    },
  ]);
  expect(server.registrations).toMatchObject([{ volumeSizeLimitBytes: 30 * 2 ** 30 }]);

  volumeIds.push(9);
  server.heartbeat.beatNow();
  await cluster.waitForVolume(9);
  const listing = await master.listVolumes(signal);
  expect(listing.volumes.map(({ volumeId }) => volumeId).sort()).toEqual([5, 9]);
  expect(listing.servers).toMatchObject([{ dataCenter: 'dc2', rack: 'r2' }]);
  volumeIds.length = 0;
  server.heartbeat.beatNow();
  await waitUntil('nothing is left', async () => (await cluster.lookUp(9)).length === 0);

  volumeIds.push(11);
  server.heartbeat.beatNow();
  await cluster.waitForVolume(11);
  server.leave();
  await server.run;
  expect(await cluster.lookUp(11)).toEqual([]);
  expect(server.problems).toEqual([]);
});

test('the master gives out ids above those that were told', async () => {
  const server = await announce([21]);
  const fid = await waitUntil('the master knows only this volume', async () => {
    const response = await fetch(`http://${cluster.masterHttpAddress}/dir/assign`);
    const assigned = (await response.json()) as { readonly fid: string };
    return assigned.fid.startsWith('21,') && assigned.fid;
  });
  expect(parseFileId(fid).needleId).toBeGreaterThan(0x4000n);
  server.leave();
  await server.run;
});

test('a registration that goes with another stream of the server, as one that broke unseen, comes back', async () => {
  const first = await announce([31]);
  await cluster.waitForVolume(31);
  const second = await announce([31], { port: first.port });
  await waitUntil('the second one is in', async () => second.registrations.length > 0);
  second.leave();
  await second.run;
  await cluster.waitForVolume(31);
  first.leave();
  await first.run;
});

test('two servers on one directory: the second one is told which master refuses it', async () => {
  const first = await announce([41], { uuid: 'the same' });
  await cluster.waitForVolume(41);
  const second = await announce([42], { uuid: 'the same' });
  await waitUntil('it is refused', async () => second.problems.length > 0);
  expect(second.problems[0]).toMatchObject({ code: 'duplicate-directory' });
  for (const server of [first, second]) {
    server.leave();
    await server.run.catch(() => undefined);
  }
});
