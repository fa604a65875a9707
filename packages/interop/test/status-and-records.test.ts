import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runHoldfast, startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';

interface VolumeLine {
  readonly id: number;
  readonly ok: boolean;
  readonly lossGuard: boolean;
  readonly lastProofAt: string | null;
  readonly datSize: number;
  readonly lagBytes: number;
  readonly generations: readonly { readonly id: number; readonly heldFor: string | null }[];
}

const VOLUME_ID = 1;
let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-status-'));
  await server.allocate(VOLUME_ID);
  for (let id = 1n; id <= 6n; id++) await put(id);
  await cluster.waitForVolume(VOLUME_ID);
});

afterEach(() => server.assertAlive());

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

const put = (id: bigint) => server.put(VOLUME_ID, id, new TextEncoder().encode(`needle ${id}`));
const backup = () => runHoldfast('backup', '--master', cluster.masterAddress, '--dir', directory, '--json');

async function status(...more: readonly string[]) {
  const { exitCode, summary, stderr } = await runHoldfast('status', '--dir', directory, '--json', ...more);
  const volumes = (summary?.volumes ?? []) as readonly VolumeLine[];
  return { exitCode, summary, stderr, volume: volumes[0]! };
}

const ownFile = (name: string) => readFile(join(directory, '.holdfast', name), 'utf8');

it('after a backup status.json and the verb say the same, and one run record tells what was proved', async () => {
  expect((await backup()).exitCode).toBe(0);
  const written = JSON.parse(await ownFile('status.json')).volumes[VOLUME_ID];
  const { volume, summary } = await status();
  expect(volume).toMatchObject(written);
  expect(volume).toMatchObject({
    ok: true,
    outcome: 'copied',
    lagBytes: 0,
    lossGuard: false,
    generations: [{ id: 1, isCurrent: true, restorableUntil: null, heldFor: null }],
  });
  expect(summary).toMatchObject({ ok: true, worker: null });
  expect(await readdir(join(directory, '.holdfast', 'runs'))).toHaveLength(1);
  const now = await status('--at', new Date().toISOString());
  expect(now).toMatchObject({ exitCode: 0, summary: { ok: true, chain: { ok: true, records: 1 } } });
  expect(now.summary?.volumes).toMatchObject([
    { volume: `${VOLUME_ID}`, ok: true, held: { generation: 1, datSize: volume.datSize } },
  ]);
  const early = await status('--at', '2020-02-29');
  expect(early).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the oldest is of') });
});

it('beside a running follow: page, metrics, status.json and the verb agree; a release says what to do', async () => {
  const args = ['--master', cluster.masterAddress, '--dir', directory, '--interval', '100ms', '--json'];
  const following = startHoldfast('follow', ...args, '--status-port', '0', '--metrics-port', '0');
  await following.printed('"outcome":"idle"');
  await put(7n);
  await following.printed('"outcome":"appended"');
  const { statusPort } = JSON.parse(await following.printed('"statusPort"'));
  const { metricsPort } = JSON.parse(await following.printed('"metricsPort"'));
  const served = async () => {
    const response = await fetch(`http://127.0.0.1:${statusPort}/status.json`);
    return (await response.json()) as { readonly volumes: readonly VolumeLine[] };
  };
  const { datSize } = (await served()).volumes[0]!;
  await waitUntil('status.json is up to date', async () =>
    (await ownFile('status.json')).includes(`"datSize":${datSize}`),
  );
  const { summary, volume } = await status();
  expect(summary).toMatchObject({ ok: true, worker: { pid: following.process.pid } });
  const page = (await served()).volumes[0]!;
  expect(page).toMatchObject({ id: VOLUME_ID, ok: true, datSize, lossGuard: false });
  expect(volume).toMatchObject({ datSize, ok: true, nextTryAt: expect.any(String) });
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(metrics).toContain(`holdfast_volume_dat_bytes{volume="${VOLUME_ID}",collection=""} ${datSize}`);
  const refused = await status('--release', `${VOLUME_ID}`);
  expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('SIGTERM') });
  following.process.kill('SIGTERM');
  expect((await following.ended).exitCode).toBe(0);
  const after = await status('--at', new Date().toISOString());
  expect(after.summary).toMatchObject({ ok: true, verb: 'follow', volumes: [{ held: { datSize } }] });
});

it('what the loss guard holds is told, and given up on demand', async () => {
  for (let id = 1n; id <= 5n; id++) await server.delete(VOLUME_ID, id);
  await server.vacuum(VOLUME_ID);
  expect((await backup()).exitCode).toBe(7);
  const held = await status();
  expect(held.volume.lossGuard).toBe(true);
  expect(held.volume.generations).toMatchObject([
    { isCurrent: true, heldFor: null },
    { isCurrent: false, heldFor: 'loss-guard' },
  ]);
  const released = await status('--release', `${VOLUME_ID}`);
  expect(released).toMatchObject({ exitCode: 0, volume: { lossGuard: false } });
  expect(released.volume.generations.map(({ heldFor }) => heldFor)).toEqual([null, null]);
  expect((await backup()).exitCode).toBe(0);
});

it('a record that somebody changed: the chain is not whole, and the exit code is 5', async () => {
  const runs = join(directory, '.holdfast', 'runs');
  const [first] = (await readdir(runs)).sort();
  const text = await readFile(join(runs, first!), 'utf8');
  await writeFile(join(runs, first!), text.replace('"ok":true', '"ok":1234'));
  const told = await status('--at', new Date().toISOString());
  expect(told).toMatchObject({
    exitCode: 5,
    summary: { ok: false, chain: { ok: false, problems: [{ record: first }] } },
  });
});
