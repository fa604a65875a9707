import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGenerationReader } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freePorts } from '../src/free-ports.js';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';

const NEEDLES = 20;

let cluster: WeedCluster;
let leader: WeedVolumeServer;
let directory: string;
let restoredTo: string;
let volumeId = 0;

beforeAll(async () => {
  cluster = await startWeedCluster();
  leader = cluster.servers[0]!;
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-emptied-'));
  restoredTo = await mkdtemp(join(tmpdir(), 'holdfast-restored-'));
  volumeId += 1;
  await leader.allocate(volumeId);
  for (let id = 1n; id <= NEEDLES; id++) await leader.put(volumeId, id, contentOf(id));
  await cluster.waitForVolume(volumeId);
});

afterEach(async () => {
  leader.assertAlive();
  for (const path of [directory, restoredTo]) await rm(path, { recursive: true });
});

afterAll(() => cluster?.stop());

const contentOf = (id: bigint): Uint8Array => new TextEncoder().encode(`what is in needle ${id} `.repeat(40));

const args = (): readonly string[] => [
  ...['--master', cluster.masterAddress, '--dir', directory],
  ...['--volume', `${volumeId}`, '--json'],
];

async function emptyLeader(afterEachDelete: () => Promise<void> = async () => {}): Promise<void> {
  for (let id = 1n; id <= NEEDLES; id++) {
    expect((await leader.delete(volumeId, id)).ok).toBe(true);
    await afterEachDelete();
  }
  await leader.vacuum(volumeId);
}

/** Restores by the command line into a cluster that has never seen the volume, and reads everything there. */
async function expectRestored(asOf: string): Promise<void> {
  const out = join(restoredTo, 'data');
  const run = await runHoldfast(
    ...['restore', '--dir', directory, '--volume', `${volumeId}`, '--as-of', asOf, '--out', out, '--json'],
  );
  expect(run).toMatchObject({
    exitCode: 0,
    summary: { ok: true, volumes: [{ id: volumeId, ok: true, liveNeedles: NEEDLES, damaged: [] }] },
  });
  const another = await startWeedCluster({ volumeServers: 0 });
  try {
    const server = await another.addServer({ directory: restoredTo });
    await another.waitForVolume(volumeId);
    for (let id = 1n; id <= NEEDLES; id++) {
      const response = await server.get(volumeId, id);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(contentOf(id)));
    }
    server.assertAlive();
  } finally {
    await another.stop();
  }
}

it('between two backups: exit 7, the former state held whatever the retention says, and restored', async () => {
  expect((await runHoldfast('backup', ...args())).exitCode).toBe(0);
  const asOf = new Date().toISOString();
  await emptyLeader();
  const keepNothing = ['--keep-for', '0s', '--keep-generations', '0'];
  for (const expected of [{ outcome: 'rebased' }, { outcome: 'idle' }]) {
    const run = await runHoldfast('backup', ...args(), ...keepNothing);
    expect(run).toMatchObject({ exitCode: 7, summary: { ok: true, volumes: [expected] } });
  }
  await expectRestored(asOf);
});

it('under a running follow that saw every deletion: status and metric say so, and all comes back', async () => {
  const [port] = await freePorts(1);
  const following = startHoldfast(
    ...['follow', ...args(), '--interval', '100ms', '--metrics-port', `${port}`],
    ...['--keep-for', '0s', '--keep-generations', '0'],
  );
  try {
    await following.printed('"outcome":"copied"');
    const asOf = new Date().toISOString();
    const followed = async () => {
      const volume = { volumeId, collection: '' };
      const reader = await openGenerationReader(nodeStoreEnvironment(), { directory, volume });
      await reader.close();
      return reader.position;
    };
    await emptyLeader(async () => {
      const { length } = await leader.readFile(volumeId, '.dat');
      await waitUntil('the deletion is followed', async () => (await followed()).datSizeBytes === length);
    });
    await waitUntil('the vacuum is followed', async () => (await followed()).revision === 1);
    const status = await runHoldfast('status', '--dir', directory, '--json');
    expect(status.summary).toMatchObject({ volumes: [{ lossGuard: true, ok: true }] });
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^holdfast_volume_loss_guard\{[^}]*\} 1$/m);
    await expectRestored(asOf);
  } finally {
    following.process.kill('SIGTERM');
    expect(await following.ended).toMatchObject({ exitCode: 0 });
  }
});
